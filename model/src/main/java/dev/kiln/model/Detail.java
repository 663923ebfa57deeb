package dev.kiln.model;

import java.util.List;
import java.util.Map;

/**
 * A typed fact about a failure, added by the layer that knows it and sent to the client beside the
 * message. Immutable. Names and JSON shapes on the wire: {@code GrpcErrors}.
 */
public sealed interface Detail {
  /** The vertex that failed, by the digest the client sent. */
  record VertexFailed(Digest vertex) implements Detail {}

  /** The exit code of the process that failed. */
  record ProcessExited(int code) implements Detail {}

  /** Where in the client's source text the failure lies. */
  record SourceLocation(SourceInfo info, List<SourceRange> ranges) implements Detail {
    public SourceLocation {
      ranges = List.copyOf(ranges);
    }
  }

  /**
   * The state a failed op left, for a debugger: ids of refs usable in the same build. {@code op} is
   * the marshalled LLB op.
   *
   * @param fileIndex index of the failed file action, or -1
   * @param cacheIndex index of the input whose content could not be keyed, or -1
   */
  record SolveFailed(
      List<String> inputIds,
      List<String> mountIds,
      byte[] op,
      int fileIndex,
      int cacheIndex,
      Map<String, String> description)
      implements Detail {
    public SolveFailed {
      inputIds = List.copyOf(inputIds);
      mountIds = List.copyOf(mountIds);
      description = Map.copyOf(description);
    }
  }

  /** The frontend in which the failure arose. */
  record FrontendFailed(String name, String source) implements Detail {}

  /** A capability that the frontend image lacks. */
  record FrontendCapMissing(String name) implements Detail {}

  /** A subrequest that the frontend does not know. */
  record SubrequestUnsupported(String name) implements Detail {}

  /**
   * A detail that came over the wire and is passed on untouched: an {@code Any}'s type URL and
   * value.
   */
  record Opaque(String typeUrl, byte[] value) implements Detail {}
}
