package dev.kiln.control;

import dev.kiln.actors.ProgressLog;
import dev.kiln.grpc.control.Descriptor;
import dev.kiln.grpc.control.StatusResponse;
import dev.kiln.grpc.control.Vertex;
import dev.kiln.model.Digest;
import dev.kiln.store.content.ContentStore;
import dev.kiln.store.content.ContentStore.BlobWriter;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The log of an ended build as a blob, and what it counts (features C-19, C-21). Immutable.
 *
 * @param total vertices seen
 * @param completed those that ended well
 */
record BuildLog(Descriptor blob, int total, int completed, int cached, int warnings) {
  private static final String MEDIA_TYPE = "application/vnd.buildkit.status.v0";

  /** Keeps the log of a build that has ended. Blocks. */
  static BuildLog save(String ref, ProgressLog log, ContentStore content)
      throws IOException, InterruptedException {
    var counter = new Counter();
    try (BlobWriter writer = content.writer("log-" + ref)) {
      log.copyTo(
          new OutputStream() {
            @Override
            public void write(int b) throws IOException {
              write(new byte[] {(byte) b}, 0, 1);
            }

            @Override
            public void write(byte[] from, int offset, int length) throws IOException {
              writer.write(from, offset, length);
              counter.take(from, offset, length);
            }
          });
      var blob = writer.commit(Optional.empty(), writer.offset());
      return counter.log(
          Descriptor.newBuilder()
              .setMediaType(MEDIA_TYPE)
              .setDigest(blob.digest().value())
              .setSize(blob.sizeBytes())
              .build());
    }
  }

  /** Reads a log that was kept; its encoded statuses in their order. Blocks. */
  static void read(ContentStore content, Digest log, Produced.Sink<byte[]> to)
      throws IOException, InterruptedException {
    try (var in = new DataInputStream(content.stream(log))) {
      for (Optional<byte[]> frame = frame(in); frame.isPresent(); frame = frame(in)) {
        to.put(frame.get());
      }
    }
  }

  private static Optional<byte[]> frame(DataInputStream in) throws IOException {
    int first = in.read();
    if (first < 0) {
      return Optional.empty();
    }
    int length =
        first
            | in.readUnsignedByte() << 8
            | in.readUnsignedByte() << 16
            | in.readUnsignedByte() << 24;
    byte[] frame = in.readNBytes(length);
    if (frame.length != length) {
      throw new IOException("the log of the build is cut off");
    }
    return Optional.of(frame);
  }

  /**
   * Counts vertices in frames as they pass: 32 bits of length, little endian, and an encoded
   * status.
   */
  private static final class Counter {
    private final Map<String, Vertex> vertices = new HashMap<>();
    private int warnings;
    private byte[] open = new byte[0];

    void take(byte[] from, int offset, int length) throws IOException {
      byte[] all = new byte[open.length + length];
      System.arraycopy(open, 0, all, 0, open.length);
      System.arraycopy(from, offset, all, open.length, length);
      int at = 0;
      while (all.length - at >= 4) {
        int size =
            (all[at] & 0xff)
                | (all[at + 1] & 0xff) << 8
                | (all[at + 2] & 0xff) << 16
                | (all[at + 3] & 0xff) << 24;
        if (all.length - at - 4 < size) {
          break;
        }
        StatusResponse status = StatusResponse.parser().parseFrom(all, at + 4, size);
        status.getVertexesList().forEach(vertex -> vertices.put(vertex.getDigest(), vertex));
        warnings += status.getWarningsCount();
        at += 4 + size;
      }
      open = java.util.Arrays.copyOfRange(all, at, all.length);
    }

    BuildLog log(Descriptor blob) {
      int completed =
          (int)
              vertices.values().stream()
                  .filter(v -> v.hasCompleted() && v.getError().isEmpty())
                  .count();
      int cached = (int) vertices.values().stream().filter(Vertex::getCached).count();
      return new BuildLog(blob, vertices.size(), completed, cached, warnings);
    }
  }
}
