package dev.kiln.session;

import com.google.protobuf.UnsafeByteOperations;
import dev.kiln.grpc.session.filesync.BytesMessage;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.session.tree.Packet;
import dev.kiln.session.tree.TreeSender;
import dev.kiln.session.tree.TreeSource;
import io.grpc.MethodDescriptor;
import java.io.IOException;
import java.io.OutputStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;

/** Results that go to a client, as one file or as a tree. Stateless, any thread; blocks. */
public final class FileSend {
  public static final String METHOD = "moby.filesync.v1.FileSend/DiffCopy";
  public static final String EXPORTER_ID = "buildkit-attachable-exporter-id";
  public static final String METADATA_PREFIX = "exporter-md-";

  /** Some peers take messages of 4 MiB at most. */
  static final int CHUNK_BYTES = 3 << 20;

  static final MethodDescriptor<Packet, Packet> TREE =
      MethodDescriptor.<Packet, Packet>newBuilder()
          .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
          .setFullMethodName(METHOD)
          .setRequestMarshaller(Packet.MARSHALLER)
          .setResponseMarshaller(Packet.MARSHALLER)
          .build();
  static final MethodDescriptor<BytesMessage, BytesMessage> FILE =
      Calls.bidirectional(
          "moby.filesync.v1.FileSend",
          "DiffCopy",
          BytesMessage.getDefaultInstance(),
          BytesMessage.getDefaultInstance());

  private FileSend() {}

  /**
   * Sends a tree; returns when the client has it.
   *
   * @param exporterId the exporter's index in the solve request
   * @param sent told of the bytes sent so far, from several threads
   */
  public static void tree(ClientSession session, int exporterId, TreeSource tree, LongConsumer sent)
      throws IOException, InterruptedException {
    session.require("/" + METHOD);
    try (var call = Calls.open(session, TREE, headers(exporterId, Map.of()))) {
      TreeSender.send(new PacketCall(call), tree, sent);
      call.halfClose();
      while (call.receive().isPresent()) {
        // only the end is of interest
      }
    }
  }

  /**
   * Starts sending one file. The caller closes the stream, which waits until the client has the
   * file; closing it after a failure of the caller's would complete a broken file: {@link
   * FileStream#abort} first.
   *
   * @param metadata the response keys so far, for the client to name the file by
   */
  public static FileStream file(
      ClientSession session, int exporterId, Map<String, String> metadata) {
    session.require("/" + METHOD);
    return new FileStream(Calls.open(session, FILE, headers(exporterId, metadata)));
  }

  private static Map<String, List<String>> headers(int exporterId, Map<String, String> metadata) {
    var headers = new HashMap<String, List<String>>();
    // Header names are lower case on the wire, whatever a key is.
    metadata.forEach((key, value) ->
        headers.put((METADATA_PREFIX + key).toLowerCase(java.util.Locale.ROOT), List.of(value)));
    headers.put(EXPORTER_ID, List.of(Integer.toString(exporterId)));
    return headers;
  }

  /**
   * One file on its way to a client. One thread. A client that has the file already says so: then
   * the rest is dropped and all is well.
   */
  public static final class FileStream extends OutputStream {
    private final Duplex<BytesMessage, BytesMessage> call;
    private final byte[] buffer = new byte[1 << 16];
    private int buffered;
    private boolean declined;
    private boolean closed;

    private FileStream(Duplex<BytesMessage, BytesMessage> call) {
      this.call = call;
    }

    /** Whether the client did not want the file because it has it. */
    public boolean declined() {
      return declined;
    }

    @Override
    public void write(int b) throws IOException {
      if (buffered == buffer.length) {
        flush();
      }
      buffer[buffered++] = (byte) b;
    }

    @Override
    public void write(byte[] from, int offset, int length) throws IOException {
      if (length <= buffer.length - buffered) {
        System.arraycopy(from, offset, buffer, buffered, length);
        buffered += length;
        return;
      }
      flush();
      for (int at = 0; at < length; at += CHUNK_BYTES) {
        send(from, offset + at, Math.min(CHUNK_BYTES, length - at));
      }
    }

    @Override
    public void flush() throws IOException {
      if (buffered > 0) {
        int length = buffered;
        buffered = 0;
        send(buffer, 0, length);
      }
    }

    private void send(byte[] from, int offset, int length) throws IOException {
      if (declined) {
        return;
      }
      if (closed) {
        throw new IOException("the file stream is closed");
      }
      byte[] copy = java.util.Arrays.copyOfRange(from, offset, offset + length);
      try {
        call.send(BytesMessage.newBuilder().setData(UnsafeByteOperations.unsafeWrap(copy)).build());
      } catch (BuildException e) {
        decline(e);
      } catch (InterruptedException e) {
        throw interrupted(e);
      }
    }

    private void decline(BuildException e) {
      if (e.kind() != Kind.ALREADY_EXISTS) {
        throw e;
      }
      declined = true;
    }

    private static IOException interrupted(InterruptedException e) {
      Thread.currentThread().interrupt();
      var io = new java.io.InterruptedIOException("sending a file was interrupted");
      io.initCause(e);
      return io;
    }

    /** Gives the file up; the client sees a failed call. Closing does nothing then. */
    public void abort(String reason) {
      closed = true;
      call.cancel(reason);
    }

    @Override
    public void close() throws IOException {
      if (closed) {
        return;
      }
      flush();
      closed = true;
      try (call) {
        call.halfClose();
        while (!declined && call.receive().isPresent()) {
          // only the end is of interest
        }
      } catch (BuildException e) {
        decline(e);
      } catch (InterruptedException e) {
        throw interrupted(e);
      }
    }
  }
}
