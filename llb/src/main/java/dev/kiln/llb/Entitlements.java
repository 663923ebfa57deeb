package dev.kiln.llb;

import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The rights that a build was granted; what needs another one is refused before any work.
 * Immutable.
 */
public record Entitlements(boolean networkHost, boolean securityInsecure, DeviceRights devices) {
  public static final Entitlements NONE =
      new Entitlements(false, false, DeviceRights.free(DeviceRights.Registry.NONE));

  /** What either of the two was granted. */
  public Entitlements or(Entitlements other) {
    return new Entitlements(
        networkHost || other.networkHost,
        securityInsecure || other.securityInsecure,
        devices.or(other.devices));
  }

  /**
   * The graph with the devices that its steps may use.
   *
   * @throws BuildException {@code DENIED} where an op of the graph needs a right that is not
   *     granted
   */
  public Graph admit(Graph graph) {
    Map<Digest, Vertex> changed = new HashMap<>();
    for (Vertex vertex : graph.vertices().values()) {
      if (vertex.op() instanceof ExecOp exec) {
        check(exec.network(), exec.security());
        List<ExecOp.CdiDevice> admitted = devices.admit(exec.devices());
        if (!admitted.equals(exec.devices())) {
          changed.put(vertex.digest(), vertex.withOp(exec.withDevices(admitted)));
        }
      }
    }
    if (changed.isEmpty()) {
      return graph;
    }
    var vertices = new LinkedHashMap<>(graph.vertices());
    vertices.replaceAll((digest, vertex) -> changed.getOrDefault(digest, vertex));
    return new Graph(graph.root(), vertices);
  }

  /** As above, for one container. */
  public void check(ExecOp.NetworkMode network, ExecOp.SecurityMode security) {
    if (network == ExecOp.NetworkMode.HOST && !networkHost) {
      throw new BuildException(Kind.DENIED, "network.host is not allowed");
    }
    if (security == ExecOp.SecurityMode.INSECURE && !securityInsecure) {
      throw new BuildException(Kind.DENIED, "security.insecure is not allowed");
    }
  }
}
