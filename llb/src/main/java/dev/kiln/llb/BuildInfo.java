package dev.kiln.llb;

import dev.kiln.model.Platform;
import java.util.List;
import java.util.Set;

/**
 * The build in which a frontend runs. Immutable.
 *
 * @param workerPlatforms what the daemon can run; the first is its default
 * @param workers ids of the workers
 */
public record BuildInfo(
    String sessionId,
    List<Platform> workerPlatforms,
    Set<String> llbCaps,
    Set<String> frontendCaps,
    String product,
    List<String> workers) {
  public BuildInfo {
    workerPlatforms = List.copyOf(workerPlatforms);
    llbCaps = Set.copyOf(llbCaps);
    frontendCaps = Set.copyOf(frontendCaps);
    workers = List.copyOf(workers);
  }

  public Platform defaultPlatform() {
    return workerPlatforms.isEmpty() ? Platform.host() : workerPlatforms.getFirst();
  }
}
