package dev.kiln.gateway;

import dev.kiln.llb.ImageMeta;
import dev.kiln.llb.ImageQuery;
import dev.kiln.sources.SourceMeta;
import java.util.List;

/**
 * Finds out what sources are, as far as the policies of the query allow. Any thread; blocks.
 * Sessions are those whose credentials or content may be used, in the order to try.
 */
public interface SourceMetas {
  /**
   * The digest and configuration of an image.
   *
   * @throws dev.kiln.model.BuildException {@code NOT_FOUND} and the like, naming the image
   */
  ImageMeta image(ImageQuery query, List<String> sessions) throws InterruptedException;

  /**
   * What policies make of a source, and an image's configuration.
   *
   * @throws dev.kiln.model.BuildException {@code DENIED} where it is not allowed
   */
  SourceMeta source(SourceQuery query, List<String> sessions) throws InterruptedException;
}
