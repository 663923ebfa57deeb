package dev.kiln.session;

import com.google.protobuf.ByteString;
import dev.kiln.grpc.session.exporter.FinalizeExportRequest;
import dev.kiln.grpc.session.exporter.FinalizeExportResponse;
import dev.kiln.grpc.session.exporter.FindExportersRequest;
import dev.kiln.grpc.session.exporter.FindExportersResponse;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import io.grpc.MethodDescriptor;
import java.util.List;
import java.util.Map;

/** Exporters that a client names once it sees the result. Stateless, any thread; blocks. */
public final class SessionExporters {
  private static final String SERVICE = "moby.exporter.v1.Exporter";
  private static final MethodDescriptor<FindExportersRequest, FindExportersResponse> FIND =
      Calls.unary(
          SERVICE,
          "FindExporters",
          FindExportersRequest.getDefaultInstance(),
          FindExportersResponse.getDefaultInstance());
  private static final MethodDescriptor<FinalizeExportRequest, FinalizeExportResponse> FINALIZE =
      Calls.unary(
          SERVICE,
          "FinalizeExport",
          FinalizeExportRequest.getDefaultInstance(),
          FinalizeExportResponse.getDefaultInstance());

  private SessionExporters() {}

  /** An exporter that the client asks for, as in a solve request. Immutable. */
  public record Requested(String type, Map<String, String> attributes) {
    public Requested {
      attributes = Map.copyOf(attributes);
    }
  }

  /**
   * The exporters that the client wants for this result; none where it does not serve them.
   *
   * @param refs the result's platform ids, or an empty one for a single result
   */
  public static List<Requested> find(
      ClientSession session, Map<String, byte[]> metadata, List<String> refs)
      throws InterruptedException {
    var request = FindExportersRequest.newBuilder().addAllRefs(refs);
    metadata.forEach((key, value) -> request.putMetadata(key, ByteString.copyFrom(value)));
    try {
      return Calls.call(session, FIND, request.build()).getExportersList().stream()
          .map(e -> new Requested(e.getType(), e.getAttrsMap()))
          .toList();
    } catch (BuildException e) {
      if (isAbsent(e)) {
        return List.of();
      }
      throw e;
    }
  }

  /** Tells the client the final response; a client that does not listen is no failure. */
  public static void finish(ClientSession session, Map<String, String> response)
      throws InterruptedException {
    if (!session.supports("/" + FINALIZE.getFullMethodName())) {
      return;
    }
    try {
      var request = FinalizeExportRequest.newBuilder().putAllExporterResponse(response).build();
      Calls.call(session, FINALIZE, request);
    } catch (BuildException e) {
      if (!isAbsent(e)) {
        throw e;
      }
    }
  }

  private static boolean isAbsent(BuildException e) {
    return e.kind() == Kind.UNSUPPORTED || e.kind() == Kind.UNAVAILABLE;
  }
}
