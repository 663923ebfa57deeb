package dev.kiln.session.tree;

import io.grpc.Drainable;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;

/**
 * One message of a tree transfer ({@code fsutil.types.Packet}). The sender lists the tree as {@link
 * Entry}s, ended by {@link EndOfEntries}; the receiver answers with a {@link Request} for each file
 * that it wants, by the entry's index; {@link Data} follows, ended by an empty one; {@link Fin}
 * goes both ways. Immutable; arrays are never written to.
 */
public sealed interface Packet {
  record Entry(TreeEntry entry) implements Packet {}

  record EndOfEntries() implements Packet {}

  record Request(int id) implements Packet {}

  /** A part of file {@code id}; with no bytes its end. */
  record Data(int id, byte[] bytes, int offset, int length) implements Packet {}

  record Fin() implements Packet {}

  /** The other side has failed; the text is for people. */
  record Failed(String message) implements Packet {}

  /** Coded by hand: names need not be UTF-8, and data is not copied once more. */
  MethodDescriptor.Marshaller<Packet> MARSHALLER =
      new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(Packet packet) {
          return new Encoded(PacketCodec.encode(packet));
        }

        @Override
        public Packet parse(InputStream in) {
          try {
            return PacketCodec.decode(in.readAllBytes());
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        }
      };

  /** Bytes that gRPC can take in one piece. */
  final class Encoded extends ByteArrayInputStream implements KnownLength, Drainable {
    Encoded(byte[] bytes) {
      super(bytes);
    }

    @Override
    public int drainTo(OutputStream out) throws IOException {
      int length = count - pos;
      out.write(buf, pos, length);
      pos = count;
      return length;
    }
  }
}
