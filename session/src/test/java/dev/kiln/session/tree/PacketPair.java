package dev.kiln.session.tree;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;

/** Two joined packet streams in memory; packets pass through their encoding. */
final class PacketPair {
  private static final byte[] END = {};
  private static final byte[] CANCELED = {};

  private final LinkedBlockingQueue<byte[]> toReceiver = new LinkedBlockingQueue<>();
  private final LinkedBlockingQueue<byte[]> toSender = new LinkedBlockingQueue<>();
  final PacketStream sender = new Side(toSender, toReceiver);
  final PacketStream receiver = new Side(toReceiver, toSender);

  /** The sender's call ends well. */
  void endOfSender() {
    toReceiver.add(END);
  }

  private record Side(LinkedBlockingQueue<byte[]> in, LinkedBlockingQueue<byte[]> out)
      implements PacketStream {
    @Override
    public void send(Packet packet) {
      out.add(PacketCodec.encode(packet).clone());
    }

    @Override
    public Optional<Packet> receive() throws InterruptedException {
      byte[] next = in.take();
      if (next == END) {
        return Optional.empty();
      }
      if (next == CANCELED) {
        throw new BuildException(Kind.CANCELED, "canceled");
      }
      try {
        return Optional.of(PacketCodec.decode(next));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void cancel(String reason) {
      in.add(CANCELED);
      out.add(CANCELED);
    }
  }
}
