package dev.kiln.grpc.tunnel;

/**
 * Carries the bytes of one {@link TunnelChannel}: the port to a gRPC stream that tunnels them. The
 * channel calls it on its event loop; the pipe calls the channel back from any thread.
 */
public interface BytePipe {
  /**
   * The channel is there: from now on bytes may be given to {@link TunnelChannel#received}, about
   * {@link TunnelChannel#WINDOW_BYTES} more than were {@link #consumed}.
   */
  void start(TunnelChannel channel);

  /** The channel has dealt with so many received bytes. */
  void consumed(int bytes);

  /**
   * Whether bytes may be sent now. After {@code false} the pipe calls {@link
   * TunnelChannel#writable} once there is room.
   */
  boolean isWritable();

  /** Sends bytes, which nobody writes to afterwards. */
  void send(byte[] bytes);

  /** The channel is closed; bytes already sent are still delivered. */
  void closed();
}
