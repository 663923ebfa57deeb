package dev.kiln.gateway;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;

/**
 * The bridges of builds whose frontend runs in the client, by build id. A caller may come a little
 * before its build does: it waits for at most 3 seconds (BuildKit v0.22 {@code
 * frontend/gateway/forwarder}). Any thread.
 */
public final class Bridges {
  private static final Duration PATIENCE = Duration.ofSeconds(3);
  private final ConcurrentMap<String, CompletableFuture<LlbBridge>> byBuild =
      new ConcurrentHashMap<>();

  /**
   * Makes a build's bridge known until {@link #remove}.
   *
   * @throws BuildException {@code ALREADY_EXISTS} where the id is in use
   */
  public void add(String buildId, LlbBridge bridge) {
    if (!byBuild.computeIfAbsent(buildId, id -> new CompletableFuture<>()).complete(bridge)) {
      throw new BuildException(Kind.ALREADY_EXISTS, "build ID " + buildId + " exists");
    }
  }

  public void remove(String buildId) {
    byBuild.remove(buildId);
  }

  /** The bridge of a build; fails with {@code NOT_FOUND} where none comes in time. */
  public CompletionStage<LlbBridge> find(String buildId) {
    if (buildId.isEmpty()) {
      return CompletableFuture.failedFuture(
          new BuildException(Kind.INVALID, "no buildid found in context"));
    }
    CompletableFuture<LlbBridge> bridge =
        byBuild.computeIfAbsent(buildId, id -> new CompletableFuture<>());
    if (bridge.isDone()) {
      return bridge;
    }
    return bridge
        .copy()
        .orTimeout(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
        .exceptionallyCompose(late -> {
          if (!bridge.isDone()) {
            byBuild.remove(buildId, bridge);
          }
          return CompletableFuture.failedFuture(
              new BuildException(Kind.NOT_FOUND, "no such job " + buildId));
        });
  }
}
