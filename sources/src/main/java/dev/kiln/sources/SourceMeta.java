package dev.kiln.sources;

import dev.kiln.llb.ImageMeta;
import dev.kiln.llb.SourceOp;
import java.util.Optional;

/**
 * What is known of a source before it is fetched. Immutable.
 *
 * @param op the source after policies
 * @param image its configuration where it is an image
 */
public record SourceMeta(SourceOp op, Optional<ImageMeta> image) {}
