package dev.kiln.dockerfile.graph;

import dev.kiln.grpc.pb.SourceInfo;
import dev.kiln.model.Platform;
import dev.kiln.model.Progress.ProgressGroup;
import dev.kiln.model.SourceRange;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a definition says of a node beside its op. Immutable.
 *
 * @param caps what the daemon must be able to do
 * @param places where the node comes from in source texts
 */
public record NodeOptions(
    Optional<Platform> platform,
    boolean ignoreCache,
    Map<String, String> description,
    Set<String> caps,
    Optional<ProgressGroup> group,
    List<Place> places) {
  public static final NodeOptions NONE =
      new NodeOptions(Optional.empty(), false, Map.of(), Set.of(), Optional.empty(), List.of());

  public NodeOptions {
    description = Map.copyOf(description);
    caps = Set.copyOf(caps);
    places = List.copyOf(places);
  }

  /** Lines of a source text. */
  public record Place(SourceInfo source, List<SourceRange> ranges) {
    public Place {
      ranges = List.copyOf(ranges);
    }
  }

  public static NodeOptions named(String name) {
    return NONE.withName(name);
  }

  /** The name that progress shows. */
  public NodeOptions withName(String name) {
    return withDescription("llb.customname", name);
  }

  public NodeOptions withDescription(String key, String value) {
    var all = new HashMap<>(description);
    all.put(key, value);
    return new NodeOptions(platform, ignoreCache, all, caps, group, places);
  }

  public NodeOptions withPlatform(Platform to) {
    return new NodeOptions(Optional.of(to), ignoreCache, description, caps, group, places);
  }

  public NodeOptions withCap(String cap) {
    var all = new HashSet<>(caps);
    all.add(cap);
    return new NodeOptions(platform, ignoreCache, description, all, group, places);
  }

  public NodeOptions withGroup(ProgressGroup to) {
    return new NodeOptions(platform, ignoreCache, description, caps, Optional.of(to), places);
  }

  public NodeOptions withPlace(Place place) {
    var all = new ArrayList<>(places);
    all.add(place);
    return new NodeOptions(platform, ignoreCache, description, caps, group, all);
  }

  public NodeOptions ignoringCache(boolean ignore) {
    return new NodeOptions(platform, ignore, description, caps, group, places);
  }
}
