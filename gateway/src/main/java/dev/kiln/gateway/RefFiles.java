package dev.kiln.gateway;

import dev.kiln.actors.ResultId;
import dev.kiln.grpc.fsutil.Stat;
import java.util.List;
import java.util.Optional;

/**
 * Reads files of results; an absent result is the empty file system. Paths are resolved inside the
 * result, whatever links it holds. Any thread; blocks. A missing file is {@code NOT_FOUND}, named.
 */
public interface RefFiles {
  /**
   * @param length -1 for all from {@code offset}
   */
  byte[] readFile(Optional<ResultId> result, String path, long offset, long length)
      throws InterruptedException;

  List<Stat> readDir(Optional<ResultId> result, String path, String includePattern)
      throws InterruptedException;

  Stat statFile(Optional<ResultId> result, String path) throws InterruptedException;
}
