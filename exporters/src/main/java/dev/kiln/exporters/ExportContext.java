package dev.kiln.exporters;

import dev.kiln.model.StepProgress;
import dev.kiln.store.Lease;
import java.util.Optional;

/**
 * What an export may use.
 *
 * @param sessionId the client that asked for it
 * @param lease keeps what is exported, until the build is recorded
 * @param inlineCache cache records to put into image configs
 */
public record ExportContext(
    String sessionId, Lease lease, StepProgress progress, InlineCache inlineCache) {
  /** Gives the cache records of a platform's image; asked only by image-like exporters. */
  @FunctionalInterface
  public interface InlineCache {
    /** For a result without cache records. */
    InlineCache NONE = _ -> Optional.empty();

    Optional<byte[]> records(String platformId) throws InterruptedException;
  }
}
