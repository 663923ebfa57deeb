package dev.kiln.cli;

import com.google.protobuf.Message;
import dev.kiln.grpc.control.BytesMessage;
import dev.kiln.grpc.control.InfoRequest;
import dev.kiln.grpc.control.InfoResponse;
import dev.kiln.grpc.control.SolveRequest;
import dev.kiln.grpc.control.SolveResponse;
import dev.kiln.grpc.control.StatusRequest;
import dev.kiln.grpc.control.StatusResponse;
import io.grpc.MethodDescriptor;
import io.grpc.protobuf.ProtoUtils;

/** The daemon's methods that a build calls. */
final class ControlMethods {
  static final MethodDescriptor<SolveRequest, SolveResponse> SOLVE =
      method(
          MethodDescriptor.MethodType.UNARY,
          "Solve",
          SolveRequest.getDefaultInstance(),
          SolveResponse.getDefaultInstance());
  static final MethodDescriptor<StatusRequest, StatusResponse> STATUS =
      method(
          MethodDescriptor.MethodType.SERVER_STREAMING,
          "Status",
          StatusRequest.getDefaultInstance(),
          StatusResponse.getDefaultInstance());
  static final MethodDescriptor<InfoRequest, InfoResponse> INFO =
      method(
          MethodDescriptor.MethodType.UNARY,
          "Info",
          InfoRequest.getDefaultInstance(),
          InfoResponse.getDefaultInstance());
  static final MethodDescriptor<BytesMessage, BytesMessage> SESSION =
      method(
          MethodDescriptor.MethodType.BIDI_STREAMING,
          "Session",
          BytesMessage.getDefaultInstance(),
          BytesMessage.getDefaultInstance());

  private ControlMethods() {}

  private static <Q extends Message, R extends Message> MethodDescriptor<Q, R> method(
      MethodDescriptor.MethodType type, String name, Q request, R response) {
    return MethodDescriptor.<Q, R>newBuilder()
        .setType(type)
        .setFullMethodName("moby.buildkit.v1.Control/" + name)
        .setRequestMarshaller(ProtoUtils.marshaller(request))
        .setResponseMarshaller(ProtoUtils.marshaller(response))
        .build();
  }
}
