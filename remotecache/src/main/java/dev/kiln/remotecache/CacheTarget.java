package dev.kiln.remotecache;

import dev.kiln.model.StepProgress;
import dev.kiln.remotecache.graph.ConfigWriter;
import java.io.IOException;
import java.util.Map;

/** Where an export writes a cache. Made when the build begins; used once, at its end. */
interface CacheTarget {
  /**
   * Writes the cache; blocks.
   *
   * @return values for the client by key
   */
  Map<String, String> write(ConfigWriter.Written cache, StepProgress progress)
      throws IOException, InterruptedException;
}
