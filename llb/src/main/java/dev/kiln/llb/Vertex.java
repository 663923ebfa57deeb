package dev.kiln.llb;

import dev.kiln.model.Digest;
import dev.kiln.model.Platform;
import java.util.List;
import java.util.Optional;

/**
 * A node of the graph: an op with its inputs. Immutable ({@code opBytes} is never written to).
 *
 * @param digest sha256 of the op's bytes, after a rewrite those of the rewritten op
 * @param sentDigest the digest under which the client knows the vertex; errors name this one
 * @param platform the op's platform in normal form, the daemon's default where the op named none
 * @param name what progress shows
 * @param opBytes the marshalled op, for a debugger's error details
 */
public record Vertex(
    Digest digest,
    Digest sentDigest,
    Op op,
    List<Edge> inputs,
    Optional<Platform> platform,
    VertexOptions options,
    String name,
    byte[] opBytes) {
  public Vertex {
    inputs = List.copyOf(inputs);
  }

  /** The same node doing something else in its stead. */
  Vertex withOp(Op other) {
    return new Vertex(digest, sentDigest, other, inputs, platform, options, name, opBytes);
  }

  @Override
  public String toString() {
    return "Vertex[" + digest + " " + name + "]";
  }
}
