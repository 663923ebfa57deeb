package dev.kiln.grpc.transport;

import dev.kiln.grpc.PlainBytes;
import io.grpc.HandlerRegistry;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerCall;
import io.grpc.ServerMethodDefinition;
import io.grpc.Status;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Refuses calls of what is not served, in grpc-go's words. Immutable. */
final class UnknownMethods extends HandlerRegistry {
  private final Set<String> services;

  UnknownMethods(Set<String> services) {
    this.services = Set.copyOf(services);
  }

  @Override
  public ServerMethodDefinition<?, ?> lookupMethod(String path, @Nullable String authority) {
    Status refusal = Status.UNIMPLEMENTED.withDescription(reason(path));
    return ServerMethodDefinition.create(
        MethodDescriptor.newBuilder(PlainBytes.MARSHALLER, PlainBytes.MARSHALLER)
            .setType(MethodType.UNKNOWN)
            .setFullMethodName(path)
            .build(),
        (call, _) -> {
          call.close(refusal, new Metadata());
          return new ServerCall.Listener<>() {};
        });
  }

  private String reason(String path) {
    int slash = path.lastIndexOf('/');
    if (slash < 0) {
      return "malformed method name: \"/" + path + "\"";
    }
    String service = path.substring(0, slash);
    return services.contains(service)
        ? "unknown method " + path.substring(slash + 1) + " for service " + service
        : "unknown service " + service;
  }
}
