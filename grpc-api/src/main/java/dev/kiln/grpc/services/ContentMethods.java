package dev.kiln.grpc.services;

import com.google.protobuf.Empty;
import dev.kiln.grpc.content.AbortRequest;
import dev.kiln.grpc.content.Content;
import dev.kiln.grpc.content.ContentPowerApi;
import dev.kiln.grpc.content.DeleteContentRequest;
import dev.kiln.grpc.content.InfoRequest;
import dev.kiln.grpc.content.InfoResponse;
import dev.kiln.grpc.content.ListContentRequest;
import dev.kiln.grpc.content.ListContentResponse;
import dev.kiln.grpc.content.ListStatusesRequest;
import dev.kiln.grpc.content.ListStatusesResponse;
import dev.kiln.grpc.content.ReadContentRequest;
import dev.kiln.grpc.content.ReadContentResponse;
import dev.kiln.grpc.content.StatusRequest;
import dev.kiln.grpc.content.StatusResponse;
import dev.kiln.grpc.content.UpdateRequest;
import dev.kiln.grpc.content.UpdateResponse;
import dev.kiln.grpc.content.WriteContentRequest;
import dev.kiln.grpc.content.WriteContentResponse;
import dev.kiln.grpc.transport.Service;

/** The methods of {@code containerd.services.content.v1.Content}. Stateless. */
public final class ContentMethods {
  private ContentMethods() {}

  public static Service of(ContentPowerApi api) {
    return new Service(
        Content.description,
        methods ->
            methods
                .unary(
                    "Info",
                    InfoRequest.getDefaultInstance(),
                    InfoResponse.getDefaultInstance(),
                    api::info)
                .unary(
                    "Update",
                    UpdateRequest.getDefaultInstance(),
                    UpdateResponse.getDefaultInstance(),
                    api::update)
                .answers(
                    "List",
                    ListContentRequest.getDefaultInstance(),
                    ListContentResponse.getDefaultInstance(),
                    api::list)
                .unary(
                    "Delete",
                    DeleteContentRequest.getDefaultInstance(),
                    Empty.getDefaultInstance(),
                    api::delete)
                .answers(
                    "Read",
                    ReadContentRequest.getDefaultInstance(),
                    ReadContentResponse.getDefaultInstance(),
                    api::read)
                .unary(
                    "Status",
                    StatusRequest.getDefaultInstance(),
                    StatusResponse.getDefaultInstance(),
                    api::status)
                .unary(
                    "ListStatuses",
                    ListStatusesRequest.getDefaultInstance(),
                    ListStatusesResponse.getDefaultInstance(),
                    api::listStatuses)
                .duplex(
                    "Write",
                    WriteContentRequest.getDefaultInstance(),
                    WriteContentResponse.getDefaultInstance(),
                    api::write)
                .unary(
                    "Abort",
                    AbortRequest.getDefaultInstance(),
                    Empty.getDefaultInstance(),
                    api::abort));
  }
}
