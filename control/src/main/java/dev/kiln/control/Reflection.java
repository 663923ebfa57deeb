package dev.kiln.control;

import akka.grpc.ServiceDescription;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.MethodDescriptorProto;
import com.google.protobuf.DescriptorProtos.ServiceDescriptorProto;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import dev.kiln.grpc.reflection.v1.ErrorResponse;
import dev.kiln.grpc.reflection.v1.ExtensionNumberResponse;
import dev.kiln.grpc.reflection.v1.FileDescriptorResponse;
import dev.kiln.grpc.reflection.v1.ListServiceResponse;
import dev.kiln.grpc.reflection.v1.ServerReflectionRequest;
import dev.kiln.grpc.reflection.v1.ServerReflectionResponse;
import dev.kiln.grpc.reflection.v1.ServiceResponse;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Tells clients such as grpcurl what is served (grpc/grpc, doc/server-reflection.md). Immutable.
 * The files of protobuf's own types are described too; there are no extensions.
 */
public final class Reflection {
  private static final int NOT_FOUND = 5;
  private final TreeSet<String> services = new TreeSet<>();
  private final Map<String, FileDescriptor> files = new LinkedHashMap<>();
  private final Map<String, FileDescriptor> bySymbol = new LinkedHashMap<>();

  public Reflection(List<ServiceDescription> served) {
    for (ServiceDescription service : served) {
      services.add(service.name());
      add(service.descriptor());
    }
  }

  private void add(FileDescriptor file) {
    if (files.putIfAbsent(file.getName(), file) != null) {
      return;
    }
    for (ServiceDescriptor service : file.getServices()) {
      bySymbol.put(service.getFullName(), file);
      service.getMethods().forEach(method -> bySymbol.put(method.getFullName(), file));
    }
    file.getMessageTypes().forEach(message -> add(message, file));
    file.getEnumTypes().forEach(type -> bySymbol.put(type.getFullName(), file));
    file.getDependencies().forEach(this::add);
  }

  private void add(Descriptor message, FileDescriptor file) {
    bySymbol.put(message.getFullName(), file);
    message.getEnumTypes().forEach(type -> bySymbol.put(type.getFullName(), file));
    message.getNestedTypes().forEach(nested -> add(nested, file));
  }

  ServerReflectionResponse answer(ServerReflectionRequest request) {
    var response =
        ServerReflectionResponse.newBuilder()
            .setValidHost(request.getHost())
            .setOriginalRequest(request);
    switch (request.getMessageRequestCase()) {
      case LIST_SERVICES -> response.setListServicesResponse(list());
      case FILE_BY_FILENAME ->
          describe(response, files.get(request.getFileByFilename()), request.getFileByFilename());
      case FILE_CONTAINING_SYMBOL ->
          describe(
              response,
              bySymbol.get(request.getFileContainingSymbol()),
              request.getFileContainingSymbol());
      case ALL_EXTENSION_NUMBERS_OF_TYPE ->
          response.setAllExtensionNumbersResponse(
              ExtensionNumberResponse.newBuilder()
                  .setBaseTypeName(request.getAllExtensionNumbersOfType()));
      case FILE_CONTAINING_EXTENSION, MESSAGEREQUEST_NOT_SET ->
          response.setErrorResponse(notFound("extension"));
    }
    return response.build();
  }

  private ListServiceResponse list() {
    var list = ListServiceResponse.newBuilder();
    services.forEach(name -> list.addService(ServiceResponse.newBuilder().setName(name)));
    return list.build();
  }

  private static void describe(
      ServerReflectionResponse.Builder response, @Nullable FileDescriptor file, String what) {
    if (file == null) {
      response.setErrorResponse(notFound(what));
    } else {
      response.setFileDescriptorResponse(
          FileDescriptorResponse.newBuilder()
              .addFileDescriptorProto(asServed(file.toProto()).toByteString()));
    }
  }

  private static ErrorResponse notFound(String what) {
    return ErrorResponse.newBuilder()
        .setErrorCode(NOT_FOUND)
        .setErrorMessage(what + " not found")
        .build();
  }

  /**
   * Under their names on the wire: the gateway's {@code Return} is declared as {@code Returned}.
   */
  private static FileDescriptorProto asServed(FileDescriptorProto file) {
    var served = file.toBuilder();
    for (ServiceDescriptorProto.Builder service : served.getServiceBuilderList()) {
      for (MethodDescriptorProto.Builder method : service.getMethodBuilderList()) {
        if (service.getName().equals("LLBBridge") && method.getName().equals("Returned")) {
          method.setName("Return");
        }
      }
    }
    return served.build();
  }
}
