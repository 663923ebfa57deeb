package dev.kiln.gateway;

import dev.kiln.llb.ImageMeta;
import dev.kiln.llb.ImageQuery;
import java.util.List;

/** Finds the digest and configuration of an image. Any thread; blocks. */
@FunctionalInterface
public interface ImageMetas {
  /**
   * @param sessions sessions whose credentials or content may be used, in the order to try
   * @throws dev.kiln.model.BuildException {@code NOT_FOUND} and the like, naming the image
   */
  ImageMeta resolve(ImageQuery query, List<String> sessions) throws InterruptedException;
}
