package dev.kiln.session.tree;

import java.util.Optional;

/**
 * The other end of a transfer, for code that blocks. {@link #send} may be called by several
 * threads, {@link #receive} by one.
 */
public interface PacketStream {
  void send(Packet packet) throws InterruptedException;

  /** The next packet; empty where the peer has ended well. Fails where it has not. */
  Optional<Packet> receive() throws InterruptedException;

  /** Gives the transfer up; {@link #receive} then fails. */
  void cancel(String reason);
}
