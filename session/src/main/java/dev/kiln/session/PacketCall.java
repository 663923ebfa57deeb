package dev.kiln.session;

import dev.kiln.session.tree.Packet;
import dev.kiln.session.tree.PacketStream;
import java.util.Optional;

/** A tree transfer's packets over a call. */
public record PacketCall(Duplex<Packet, Packet> call) implements PacketStream {
  @Override
  public void send(Packet packet) throws InterruptedException {
    call.send(packet);
  }

  @Override
  public Optional<Packet> receive() throws InterruptedException {
    return call.receive();
  }

  @Override
  public void cancel(String reason) {
    call.cancel(reason);
  }
}
