package dev.kiln.remotecache;

import dev.kiln.model.GoBool;
import dev.kiln.remotecache.graph.CacheWalk.Mode;
import dev.kiln.store.Compression;
import java.util.Map;
import java.util.Optional;

/**
 * A cache export that a client asked for, its options understood. Immutable.
 *
 * @param name what progress shows
 * @param target empty for a cache that images carry inline
 */
public record CacheExport(
    String type,
    String name,
    Mode mode,
    boolean ignoresErrors,
    Compression compression,
    Optional<CacheTarget> target) {

  static CacheExport of(
      String type,
      String name,
      Map<String, String> attributes,
      Compression compression,
      Optional<CacheTarget> target) {
    return new CacheExport(
        type,
        name,
        "max".equals(attributes.get("mode")) ? Mode.MAX : Mode.MIN,
        GoBool.isTrue(attributes.getOrDefault("ignore-error", "")),
        compression,
        target);
  }

  boolean isInline() {
    return target.isEmpty();
  }
}
