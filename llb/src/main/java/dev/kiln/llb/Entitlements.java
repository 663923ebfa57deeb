package dev.kiln.llb;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;

/**
 * The rights that a build was granted; what needs another one is refused before any work.
 * Immutable.
 */
public record Entitlements(boolean networkHost, boolean securityInsecure) {
  public static final Entitlements NONE = new Entitlements(false, false);

  /** What either of the two was granted. */
  public Entitlements or(Entitlements other) {
    return new Entitlements(
        networkHost || other.networkHost, securityInsecure || other.securityInsecure);
  }

  /**
   * @throws BuildException {@code DENIED} where an op of the graph needs a right that is not
   *     granted
   */
  public void check(Graph graph) {
    for (Vertex vertex : graph.vertices().values()) {
      if (vertex.op() instanceof ExecOp exec) {
        check(exec.network(), exec.security());
      }
    }
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
