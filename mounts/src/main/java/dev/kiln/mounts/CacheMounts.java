package dev.kiln.mounts;

import dev.kiln.llb.ExecOp;
import dev.kiln.llb.Graph;
import dev.kiln.llb.MountOptions;
import dev.kiln.llb.MountOptions.CacheOptions;
import dev.kiln.llb.Vertex;
import dev.kiln.store.RefId;
import dev.kiln.store.Refs;
import dev.kiln.store.Sharing;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * How cache mounts are named in the store. Pure but for {@link #forgetIgnored}. Rules: BuildKit
 * v0.22 {@code solver/llbsolver/mounts/mount.go} and {@code vertex.go}.
 */
public final class CacheMounts {
  private static final String PREFIX = "cache-dir:";

  private CacheMounts() {}

  /** The name of a cache mount's state: by its id, and by what it lies on. */
  static String key(String id, Optional<RefId> base) {
    return PREFIX + id + base.map(ref -> ":" + ref).orElse("");
  }

  static Sharing sharing(CacheOptions options) {
    return switch (options.sharing()) {
      case SHARED -> Sharing.SHARED;
      case PRIVATE -> Sharing.PRIVATE;
      case LOCKED -> Sharing.LOCKED;
    };
  }

  /**
   * Lets the steps of a graph that are built without cache start with empty cache mounts. Called
   * once for a graph, before it is solved, so that all its steps find the same new ones (features
   * L-89).
   */
  public static void forgetIgnored(Graph graph, Refs refs) {
    Map<String, Boolean> ids = new TreeMap<>();
    for (Vertex vertex : graph.vertices().values()) {
      if (vertex.options().ignoreCache() && vertex.op() instanceof ExecOp exec) {
        for (ExecOp.Mount mount : exec.mounts()) {
          if (mount.options() instanceof MountOptions.Cache(Optional<CacheOptions> options)
              && options.isPresent()) {
            String id = options.get().id();
            ids.put(id.isEmpty() ? mount.dest() : id, mount.input().isPresent());
          }
        }
      }
    }
    ids.forEach((id, onInput) -> refs.forget(PREFIX + id, onInput));
  }
}
