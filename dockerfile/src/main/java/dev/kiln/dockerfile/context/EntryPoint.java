package dev.kiln.dockerfile.context;

import dev.kiln.grpc.pb.SourceInfo;
import dev.kiln.model.Digest;
import java.nio.charset.StandardCharsets;

/**
 * The Dockerfile of a build. Immutable.
 *
 * @param source its bytes, name and where they were read from
 * @param vertex the vertex that loads it, to which warnings belong
 */
public record EntryPoint(SourceInfo source, Digest vertex) {
  /** The text; bytes that are no UTF-8 become replacement characters. */
  public String text() {
    return source.getData().toString(StandardCharsets.UTF_8);
  }

  /** The source as error details hold it. */
  public dev.kiln.model.SourceInfo model() {
    return new dev.kiln.model.SourceInfo(
        source.getFilename(),
        source.getData().toByteArray(),
        source.getDefinition().toByteArray(),
        source.getLanguage());
  }
}
