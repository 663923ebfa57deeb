package dev.kiln.actors;

import java.io.IOException;
import java.util.Optional;

/** Makes the results of one cache's records usable. */
@FunctionalInterface
public interface ResultLoader {
  /**
   * The result of a record, held by the context's lease; absent is the empty file system. May
   * block; does not pull what can stay lazy.
   *
   * @throws dev.kiln.model.BuildException {@code NOT_FOUND} where it is gone: the record is then
   *     skipped
   */
  Optional<ResultId> load(CacheRecord record, OpContext context)
      throws IOException, InterruptedException;

  /**
   * The result of a step before {@code loaded}, where it came along with it at no cost; empty where
   * it did not.
   */
  default Optional<ResultId> within(CacheRecord loaded, CacheRecord earlier, OpContext context)
      throws IOException, InterruptedException {
    return Optional.empty();
  }
}
