package dev.kiln.cli.lend;

import com.google.protobuf.Empty;
import com.google.protobuf.UnsafeByteOperations;
import dev.kiln.grpc.GrpcErrors;
import dev.kiln.grpc.content.AbortRequest;
import dev.kiln.grpc.content.Info;
import dev.kiln.grpc.content.InfoRequest;
import dev.kiln.grpc.content.InfoResponse;
import dev.kiln.grpc.content.ReadContentRequest;
import dev.kiln.grpc.content.ReadContentResponse;
import dev.kiln.grpc.content.Status;
import dev.kiln.grpc.content.StatusRequest;
import dev.kiln.grpc.content.StatusResponse;
import dev.kiln.grpc.content.WriteAction;
import dev.kiln.grpc.content.WriteContentRequest;
import dev.kiln.grpc.content.WriteContentResponse;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.session.Duplex;
import dev.kiln.session.ServerDuplex;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status.Code;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Optional;

/**
 * Content stores for the daemon: the folders that the command line named for caches, each by its
 * id, and no others. What a store deletes, updates or lists is no business of a daemon's. Protocol:
 * containerd's {@code services/content/v1} (containerd v2.0). Any thread.
 */
final class ContentService {
  private static final String SERVICE = "containerd.services.content.v1.Content";
  private static final Metadata.Key<String> STORE =
      Metadata.Key.of("buildkit-attachable-store-id", Metadata.ASCII_STRING_MARSHALLER);
  private static final int CHUNK_BYTES = 1 << 20;
  private final Map<String, ContentFolder> stores;

  ContentService(Map<String, ContentFolder> stores) {
    this.stores = Map.copyOf(stores);
  }

  ServerServiceDefinition definition() {
    return ServerServiceDefinition.builder(SERVICE)
        .addMethod(
            Services.method(
                MethodType.UNARY,
                SERVICE,
                "Info",
                InfoRequest.getDefaultInstance(),
                InfoResponse.getDefaultInstance()),
            ServerDuplex.handler((headers, call) -> info(store(headers), call)))
        .addMethod(
            Services.method(
                MethodType.UNARY,
                SERVICE,
                "Status",
                StatusRequest.getDefaultInstance(),
                StatusResponse.getDefaultInstance()),
            ServerDuplex.handler((headers, call) -> status(store(headers), call)))
        .addMethod(
            Services.method(
                MethodType.UNARY,
                SERVICE,
                "Abort",
                AbortRequest.getDefaultInstance(),
                Empty.getDefaultInstance()),
            ServerDuplex.handler((headers, call) -> {
              store(headers).abort(first(call).getRef());
              call.send(Empty.getDefaultInstance());
            }))
        .addMethod(
            Services.method(
                MethodType.SERVER_STREAMING,
                SERVICE,
                "Read",
                ReadContentRequest.getDefaultInstance(),
                ReadContentResponse.getDefaultInstance()),
            ServerDuplex.handler((headers, call) -> read(store(headers), call)))
        .addMethod(
            Services.method(
                MethodType.BIDI_STREAMING,
                SERVICE,
                "Write",
                WriteContentRequest.getDefaultInstance(),
                WriteContentResponse.getDefaultInstance()),
            ServerDuplex.handler((headers, call) -> write(store(headers), call)))
        .build();
  }

  private ContentFolder store(Metadata headers) {
    String id = headers.get(STORE);
    ContentFolder store = id == null ? null : stores.get(id);
    if (store == null) {
      throw new BuildException(Kind.NOT_FOUND, "unknown store " + id);
    }
    return store;
  }

  private static <Q> Q first(Duplex<Q, ?> call) throws InterruptedException {
    return call.receive().orElseThrow(() -> new BuildException(Kind.INVALID, "no request"));
  }

  private static Digest digest(String text) {
    if (!Digest.isValid(text)) {
      throw GrpcErrors.of(Code.INVALID_ARGUMENT, "'" + text + "' is no sha256 digest");
    }
    return new Digest(text);
  }

  private static BuildException notFound(Digest digest) {
    return new BuildException(Kind.NOT_FOUND, "content digest " + digest + ": not found");
  }

  private static void info(ContentFolder store, Duplex<InfoRequest, InfoResponse> call)
      throws IOException, InterruptedException {
    Digest digest = digest(first(call).getDigest());
    long size = store.size(digest).orElseThrow(() -> notFound(digest));
    var info = Info.newBuilder().setDigest(digest.value()).setSize(size);
    call.send(InfoResponse.newBuilder().setInfo(info).build());
  }

  private static void status(ContentFolder store, Duplex<StatusRequest, StatusResponse> call)
      throws IOException, InterruptedException {
    String ref = first(call).getRef();
    long offset =
        store
            .written(ref)
            .orElseThrow(
                () -> new BuildException(Kind.NOT_FOUND, "ingest ref \"" + ref + "\": not found"));
    var status = Status.newBuilder().setRef(ref).setOffset(offset);
    call.send(StatusResponse.newBuilder().setStatus(status).build());
  }

  private static void read(
      ContentFolder store, Duplex<ReadContentRequest, ReadContentResponse> call)
      throws IOException, InterruptedException {
    ReadContentRequest request = first(call);
    Digest digest = digest(request.getDigest());
    try (var blob = FileChannel.open(store.blob(digest), StandardOpenOption.READ)) {
      long at = request.getOffset();
      long all = blob.size();
      if (at < 0 || at > all || request.getSize() < 0) {
        throw GrpcErrors.of(
            Code.OUT_OF_RANGE, "read past the end of " + digest + ", of " + all + " bytes");
      }
      // The size is what the caller has room for: it may reach past the end.
      long end = request.getSize() == 0 ? all : at + Math.min(request.getSize(), all - at);
      while (at < end) {
        var chunk = ByteBuffer.allocate((int) Math.min(CHUNK_BYTES, end - at));
        while (chunk.hasRemaining()) {
          if (blob.read(chunk, at + chunk.position()) < 0) {
            throw new IOException(store.blob(digest) + " became shorter while it was read");
          }
        }
        call.send(
            ReadContentResponse.newBuilder()
                .setOffset(at)
                .setData(UnsafeByteOperations.unsafeWrap(chunk.flip()))
                .build());
        at += chunk.limit();
      }
    } catch (NoSuchFileException none) {
      throw notFound(digest);
    }
  }

  private static void write(
      ContentFolder store, Duplex<WriteContentRequest, WriteContentResponse> call)
      throws IOException, InterruptedException {
    WriteContentRequest request = first(call);
    if (request.getRef().isEmpty()) {
      throw GrpcErrors.of(Code.INVALID_ARGUMENT, "first message must have a reference");
    }
    try (ContentFolder.Write write = store.write(request.getRef())) {
      var writing = new Writing(store, write, request.getRef());
      Optional<WriteContentRequest> next = Optional.of(request);
      while (next.isPresent()) {
        call.send(writing.answer(next.get()));
        if (next.get().getAction() == WriteAction.COMMIT) {
          return;
        }
        next = call.receive();
      }
    } catch (IOException e) {
      throw Services.failed("--cache-to type=local, " + store, e);
    }
  }

  /** One write, with what its messages said of the blob so far. One thread. */
  private static final class Writing {
    private final ContentFolder store;
    private final ContentFolder.Write write;
    private final String ref;
    private long total;
    private Optional<Digest> expected = Optional.empty();

    Writing(ContentFolder store, ContentFolder.Write write, String ref) {
      this.store = store;
      this.write = write;
      this.ref = ref;
    }

    WriteContentResponse answer(WriteContentRequest request) throws IOException {
      if (!request.getExpected().isEmpty()) {
        expected = Optional.of(digest(request.getExpected()));
        if (store.size(expected.get()).isPresent()) {
          store.abort(ref);
          throw new BuildException(
              Kind.ALREADY_EXISTS, "blob with expected digest " + expected.get() + " exists");
        }
      }
      total = request.getTotal() > 0 ? request.getTotal() : total;
      var answer = WriteContentResponse.newBuilder().setAction(request.getAction());
      return switch (request.getAction()) {
        case STAT -> answer.setOffset(write.offset()).setTotal(total).build();
        case WRITE -> {
          append(request);
          yield answer.setOffset(write.offset()).build();
        }
        case COMMIT -> {
          append(request);
          long size = write.offset();
          Digest digest = write.commit(total, expected);
          yield answer.setOffset(size).setDigest(digest.value()).build();
        }
        case UNRECOGNIZED ->
            throw GrpcErrors.of(Code.INVALID_ARGUMENT, "an unknown action of a write");
      };
    }

    private void append(WriteContentRequest request) throws IOException {
      long at = request.getOffset();
      if (at == 0 && write.offset() > 0) {
        write.truncate();
      } else if (at != 0 && at != write.offset()) {
        throw GrpcErrors.of(
            Code.OUT_OF_RANGE, "write @" + at + " must occur at current offset " + write.offset());
      }
      write.append(request.getData().asReadOnlyByteBuffer());
    }
  }
}
