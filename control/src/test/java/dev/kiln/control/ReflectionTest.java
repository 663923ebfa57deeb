package dev.kiln.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.MethodDescriptorProto;
import dev.kiln.grpc.control.Control;
import dev.kiln.grpc.gateway.LLBBridge;
import dev.kiln.grpc.reflection.v1.ServerReflectionRequest;
import dev.kiln.grpc.reflection.v1.ServerReflectionResponse;
import dev.kiln.grpc.reflection.v1.ServiceResponse;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReflectionTest {
  private final Reflection reflection =
      new Reflection(List.of(LLBBridge.description, Control.description));

  @Test
  void listsServicesByName() {
    ServerReflectionResponse answer =
        reflection.answer(ServerReflectionRequest.newBuilder().setListServices("").build());
    assertThat(answer.getListServicesResponse().getServiceList())
        .extracting(ServiceResponse::getName)
        .containsExactly("moby.buildkit.v1.Control", "moby.buildkit.v1.frontend.LLBBridge");
  }

  @Test
  void describesMethodsByTheirNamesOnTheWire() throws Exception {
    ServerReflectionResponse answer =
        reflection.answer(
            ServerReflectionRequest.newBuilder()
                .setFileContainingSymbol("moby.buildkit.v1.frontend.LLBBridge")
                .build());
    var file =
        FileDescriptorProto.parseFrom(answer.getFileDescriptorResponse().getFileDescriptorProto(0));
    assertThat(file.getService(0).getMethodList())
        .extracting(MethodDescriptorProto::getName)
        .contains("Return", "Solve")
        .doesNotContain("Returned");
  }

  @Test
  void findsImportedFiles() {
    ServerReflectionResponse answer =
        reflection.answer(
            ServerReflectionRequest.newBuilder()
                .setFileByFilename("google/protobuf/timestamp.proto")
                .build());
    assertThat(answer.hasFileDescriptorResponse()).isTrue();
  }

  @Test
  void anUnknownSymbolIsNotFound() {
    ServerReflectionResponse answer =
        reflection.answer(
            ServerReflectionRequest.newBuilder().setFileContainingSymbol("no.such").build());
    assertThat(answer.getErrorResponse().getErrorCode()).isEqualTo(5);
  }
}
