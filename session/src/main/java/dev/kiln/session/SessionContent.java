package dev.kiln.session;

import com.google.protobuf.Empty;
import com.google.protobuf.UnsafeByteOperations;
import dev.kiln.grpc.content.AbortRequest;
import dev.kiln.grpc.content.InfoRequest;
import dev.kiln.grpc.content.InfoResponse;
import dev.kiln.grpc.content.ReadContentRequest;
import dev.kiln.grpc.content.ReadContentResponse;
import dev.kiln.grpc.content.WriteAction;
import dev.kiln.grpc.content.WriteContentRequest;
import dev.kiln.grpc.content.WriteContentResponse;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import io.grpc.MethodDescriptor;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A content store that a client lends, one of several by id: {@code oci:NAME} for layouts that
 * sources read, {@code local:DIR} for cache folders, {@code export} for images written blob by
 * blob. Immutable, any thread; blocks.
 */
public final class SessionContent {
  private static final String STORE_ID = "buildkit-attachable-store-id";
  private static final String SERVICE = "containerd.services.content.v1.Content";
  private static final MethodDescriptor<InfoRequest, InfoResponse> INFO =
      Calls.unary(
          SERVICE, "Info", InfoRequest.getDefaultInstance(), InfoResponse.getDefaultInstance());
  private static final MethodDescriptor<ReadContentRequest, ReadContentResponse> READ =
      Calls.serverStreaming(
          SERVICE,
          "Read",
          ReadContentRequest.getDefaultInstance(),
          ReadContentResponse.getDefaultInstance());
  private static final MethodDescriptor<WriteContentRequest, WriteContentResponse> WRITE =
      Calls.bidirectional(
          SERVICE,
          "Write",
          WriteContentRequest.getDefaultInstance(),
          WriteContentResponse.getDefaultInstance());
  private static final MethodDescriptor<AbortRequest, Empty> ABORT =
      Calls.unary(SERVICE, "Abort", AbortRequest.getDefaultInstance(), Empty.getDefaultInstance());

  private final ClientSession session;
  private final Map<String, List<String>> headers;

  public SessionContent(ClientSession session, String storeId) {
    this.session = session;
    this.headers = Map.of(STORE_ID, List.of(storeId));
  }

  /** What the store says of a blob. Immutable. */
  public record Blob(Digest digest, long sizeBytes, Map<String, String> labels) {
    public Blob {
      labels = Map.copyOf(labels);
    }
  }

  /** The blob, or empty where the store does not have it. */
  public Optional<Blob> find(Digest digest) throws InterruptedException {
    try {
      var request = InfoRequest.newBuilder().setDigest(digest.value()).build();
      var info = Calls.ask(session, INFO, request, headers).getInfo();
      return Optional.of(new Blob(digest, info.getSize(), info.getLabelsMap()));
    } catch (BuildException e) {
      if (e.kind() == Kind.NOT_FOUND) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /**
   * The blob's bytes from {@code offset} to its end, not verified. The caller closes the stream,
   * and reads it from one thread.
   *
   * @throws BuildException from a read: {@code NOT_FOUND} where the store does not have it, {@code
   *     DEADLINE} where it stalls for longer than the session's patience
   */
  public InputStream read(Digest digest, long offset) throws InterruptedException {
    var call = Calls.open(session, READ, headers);
    call.send(ReadContentRequest.newBuilder().setDigest(digest.value()).setOffset(offset).build());
    call.halfClose();
    return new BlobInput(call, session.patience());
  }

  /** Bytes as they arrive. One thread. */
  private static final class BlobInput extends InputStream {
    /** No person is asked for content, so it comes or it does not. */
    private static final Duration STALL = Duration.ofMinutes(2);

    private final ClientDuplex<ReadContentResponse, ReadContentRequest> call;
    private final Duration patience;
    private com.google.protobuf.ByteString part = com.google.protobuf.ByteString.EMPTY;
    private int at;

    BlobInput(ClientDuplex<ReadContentResponse, ReadContentRequest> call, Duration patience) {
      this.call = call;
      this.patience = patience.compareTo(STALL) < 0 ? patience : STALL;
    }

    private boolean fill() throws IOException {
      try {
        long end = System.nanoTime() + patience.toNanos();
        while (at == part.size()) { // an empty part is no progress
          var next = call.receive(end - System.nanoTime());
          if (next.isEmpty()) {
            return false;
          }
          part = next.get().getData();
          at = 0;
        }
        return true;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        var io = new java.io.InterruptedIOException("reading a blob was interrupted");
        io.initCause(e);
        throw io;
      }
    }

    @Override
    public int read() throws IOException {
      return fill() ? part.byteAt(at++) & 0xff : -1;
    }

    @Override
    public int read(byte[] to, int offset, int length) throws IOException {
      if (length == 0) {
        return 0;
      }
      if (!fill()) {
        return -1;
      }
      int some = Math.min(length, part.size() - at);
      part.copyTo(to, at, offset, some);
      at += some;
      return some;
    }

    @Override
    public void close() {
      call.close();
    }
  }

  /**
   * Starts writing a blob. The caller closes the writer; without {@link Writer#commit} nothing
   * becomes visible.
   *
   * @param ref names this write in the store; two writers of one ref exclude each other
   * @return empty where the store has the blob already
   */
  public Optional<Writer> write(String ref, Digest expected, long sizeBytes)
      throws InterruptedException {
    var call = Calls.open(session, WRITE, headers);
    try {
      call.send(
          WriteContentRequest.newBuilder()
              .setAction(WriteAction.STAT)
              .setRef(ref)
              .setTotal(sizeBytes)
              .setExpected(expected.value())
              .build());
      WriteContentResponse status = Writer.answer(call);
      return Optional.of(new Writer(this, call, ref, expected, sizeBytes, status.getOffset()));
    } catch (BuildException e) {
      call.close();
      if (e.kind() == Kind.ALREADY_EXISTS) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** Opens a blob from its start; the caller closes it. */
  @FunctionalInterface
  public interface Opener {
    InputStream open() throws IOException, InterruptedException;
  }

  /** Writes a whole blob unless the store has it already; goes on where an earlier try ended. */
  public void put(Digest digest, long sizeBytes, Opener from)
      throws IOException, InterruptedException {
    Optional<Writer> started = write(digest.value(), digest, sizeBytes);
    if (started.isEmpty()) {
      return;
    }
    try (Writer writer = started.get();
        InputStream in = from.open()) {
      if (writer.offset() < 0 || writer.offset() > sizeBytes) {
        throw new BuildException(
            Kind.UNKNOWN,
            "the client's store has %d of the %d bytes of %s"
                .formatted(writer.offset(), sizeBytes, digest));
      }
      in.skipNBytes(writer.offset());
      byte[] buffer = new byte[1 << 20];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        writer.write(buffer, 0, n);
      }
      writer.commit(Map.of());
    }
  }

  /** One blob on its way to the client's store. One thread; the caller closes it. */
  public static final class Writer implements AutoCloseable {
    private static final int CHUNK_BYTES = 1 << 20;
    private final SessionContent store;
    private final Duplex<WriteContentResponse, WriteContentRequest> call;
    private final String ref;
    private final Digest expected;
    private final long sizeBytes;
    private long offset;
    private boolean committed;

    private Writer(
        SessionContent store,
        Duplex<WriteContentResponse, WriteContentRequest> call,
        String ref,
        Digest expected,
        long sizeBytes,
        long offset) {
      this.store = store;
      this.call = call;
      this.ref = ref;
      this.expected = expected;
      this.sizeBytes = sizeBytes;
      this.offset = offset;
    }

    /** How many bytes the store holds, from an earlier attempt too: go on from there. */
    public long offset() {
      return offset;
    }

    public void write(byte[] from, int start, int length) throws InterruptedException {
      for (int at = 0; at < length; at += CHUNK_BYTES) {
        int some = Math.min(CHUNK_BYTES, length - at);
        byte[] chunk = java.util.Arrays.copyOfRange(from, start + at, start + at + some);
        call.send(
            WriteContentRequest.newBuilder()
                .setAction(WriteAction.WRITE)
                .setOffset(offset)
                .setData(UnsafeByteOperations.unsafeWrap(chunk))
                .build());
        offset = answer(call).getOffset();
      }
    }

    /** Makes the blob visible; one that has become so meanwhile is fine. */
    public void commit(Map<String, String> labels) throws InterruptedException {
      try {
        call.send(
            WriteContentRequest.newBuilder()
                .setAction(WriteAction.COMMIT)
                .setTotal(sizeBytes)
                .setOffset(offset)
                .setExpected(expected.value())
                .putAllLabels(labels)
                .build());
        answer(call);
        call.halfClose();
      } catch (BuildException e) {
        if (e.kind() != Kind.ALREADY_EXISTS) {
          throw e;
        }
      }
      committed = true;
    }

    private static WriteContentResponse answer(
        Duplex<WriteContentResponse, WriteContentRequest> call) throws InterruptedException {
      return call.receive()
          .orElseThrow(
              () -> new BuildException(Kind.UNKNOWN, "the content store ended a write early"));
    }

    /** Removes from the store what was written and not committed. */
    public void abort() throws InterruptedException {
      call.close();
      var request = AbortRequest.newBuilder().setRef(ref).build();
      Calls.call(store.session, ABORT, request, store.headers);
    }

    @Override
    public void close() {
      if (!committed) {
        call.close();
      }
    }
  }
}
