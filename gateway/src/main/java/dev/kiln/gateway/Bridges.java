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
  private final ConcurrentMap<String, Place> byBuild = new ConcurrentHashMap<>();

  /** Where a bridge comes to; it stays while one is there or somebody waits for it. */
  private static final class Place {
    private final CompletableFuture<LlbBridge> bridge = new CompletableFuture<>();
    private int users; // changed within the map's own operations only
  }

  /**
   * Makes a build's bridge known until {@link #remove}.
   *
   * @throws BuildException {@code ALREADY_EXISTS} where the id is in use
   */
  public void add(String buildId, LlbBridge bridge) {
    Place place = enter(buildId);
    if (!place.bridge.complete(bridge)) {
      leave(buildId, place);
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
    Place place = enter(buildId);
    return place
        .bridge
        .copy()
        .orTimeout(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
        .whenComplete((_, _) -> leave(buildId, place))
        .exceptionallyCompose(late ->
            CompletableFuture.failedFuture(
                new BuildException(Kind.NOT_FOUND, "no such job " + buildId)));
  }

  private Place enter(String buildId) {
    return byBuild.compute(
        buildId,
        (_, known) -> {
          Place place = known == null ? new Place() : known;
          place.users++;
          return place;
        });
  }

  private void leave(String buildId, Place place) {
    byBuild.computeIfPresent(
        buildId,
        (_, known) -> {
          place.users--;
          return known == place && place.users == 0 ? null : known;
        });
  }
}
