package dev.kiln.dockerfile.convert;

import dev.kiln.llb.ImageMeta;
import dev.kiln.llb.ImageQuery;

/** Finds an image's digest and configuration. Blocks; any thread. */
@FunctionalInterface
public interface ImageResolver {
  ImageMeta resolve(ImageQuery query) throws InterruptedException;
}
