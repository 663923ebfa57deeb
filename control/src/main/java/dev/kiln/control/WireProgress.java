package dev.kiln.control;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.kiln.actors.ProgressCodec;
import dev.kiln.grpc.GrpcErrors;
import dev.kiln.grpc.Times;
import dev.kiln.grpc.control.StatusResponse;
import dev.kiln.grpc.control.Vertex;
import dev.kiln.grpc.control.VertexLog;
import dev.kiln.grpc.control.VertexStatus;
import dev.kiln.grpc.control.VertexWarning;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.pb.ProgressGroup;
import dev.kiln.grpc.pb.SourceInfo;
import dev.kiln.model.Progress;
import java.util.List;

/** Progress events as BuildKit's {@code StatusResponse} (features C-07 to C-11). Any thread. */
public final class WireProgress implements ProgressCodec {
  @Override
  public byte[] encode(List<Progress> events) {
    var response = StatusResponse.newBuilder();
    for (Progress event : events) {
      switch (event) {
        case Progress.VertexState state -> response.addVertexes(vertex(state));
        case Progress.Status status -> response.addStatuses(status(status));
        case Progress.Log log ->
            response.addLogs(
                VertexLog.newBuilder()
                    .setVertex(log.vertex().value())
                    .setStream(log.stream())
                    .setMsg(ByteString.copyFrom(log.message()))
                    .setTimestamp(Times.timestamp(log.timestamp())));
        case Progress.Warning warning -> response.addWarnings(warning(warning));
      }
    }
    return response.build().toByteArray();
  }

  private static Vertex vertex(Progress.VertexState state) {
    var vertex =
        Vertex.newBuilder()
            .setDigest(state.vertex().value())
            .setName(state.name())
            .setCached(state.cached())
            .setError(state.error());
    state.inputs().forEach(input -> vertex.addInputs(input.value()));
    state.started().ifPresent(time -> vertex.setStarted(Times.timestamp(time)));
    state.completed().ifPresent(time -> vertex.setCompleted(Times.timestamp(time)));
    state
        .group()
        .ifPresent(group ->
            vertex.setProgressGroup(
                ProgressGroup.newBuilder()
                    .setId(group.id())
                    .setName(group.name())
                    .setWeak(group.weak())));
    return vertex.build();
  }

  private static VertexStatus status(Progress.Status from) {
    var status =
        VertexStatus.newBuilder()
            .setID(from.id())
            .setVertex(from.vertex().value())
            .setName(from.name())
            .setCurrent(from.current())
            .setTotal(from.total())
            .setTimestamp(Times.timestamp(from.timestamp()));
    from.started().ifPresent(time -> status.setStarted(Times.timestamp(time)));
    from.completed().ifPresent(time -> status.setCompleted(Times.timestamp(time)));
    return status.build();
  }

  private static VertexWarning warning(Progress.Warning from) {
    var warning =
        VertexWarning.newBuilder()
            .setVertex(from.vertex().value())
            .setLevel(from.level())
            .setShort(ByteString.copyFromUtf8(from.summary()))
            .setUrl(from.url());
    from.detail().forEach(line -> warning.addDetail(ByteString.copyFromUtf8(line)));
    from.info()
        .ifPresent(info -> {
          var source =
              SourceInfo.newBuilder()
                  .setFilename(info.filename())
                  .setData(ByteString.copyFrom(info.data()))
                  .setLanguage(info.language());
          if (info.definition().length > 0) {
            source.setDefinition(definition(info.definition()));
          }
          warning.setInfo(source);
        });
    from.ranges().forEach(range -> warning.addRanges(GrpcErrors.range(range)));
    return warning.build();
  }

  private static Definition definition(byte[] bytes) {
    try {
      return Definition.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalArgumentException("a source's definition is not one", e);
    }
  }
}
