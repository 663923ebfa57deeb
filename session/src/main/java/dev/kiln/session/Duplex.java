package dev.kiln.session;

import dev.kiln.model.BuildException;
import java.util.Optional;

/**
 * One gRPC call with both directions open, for straight-line code that blocks. Both ends of a
 * session use it. {@link #send} may be called by several threads, {@link #receive} by one at a
 * time. Bounds: {@code send} waits while the transport has no room, and the peer is asked for a
 * fixed number of messages ahead of {@code receive}.
 *
 * @param <I> what is received
 * @param <O> what is sent
 */
public interface Duplex<I, O> extends AutoCloseable {
  /**
   * Sends when there is room.
   *
   * @throws BuildException why the call has ended, if it has
   */
  void send(O message) throws InterruptedException;

  /**
   * The next message; empty where the peer has ended its side well.
   *
   * @throws BuildException why the call has ended otherwise
   */
  Optional<I> receive() throws InterruptedException;

  /** Nothing more will be sent; receiving goes on. On the server side this ends the call well. */
  void halfClose();

  /** Ends the call for a reason; no effect on a call that has ended. */
  void cancel(String reason);

  /** Cancels a call that has not ended. */
  @Override
  void close();
}
