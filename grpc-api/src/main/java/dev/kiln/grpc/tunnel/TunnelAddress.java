package dev.kiln.grpc.tunnel;

import java.net.SocketAddress;

/** The address of a tunnel's end: a name for logs. Immutable. */
public final class TunnelAddress extends SocketAddress {
  private static final long serialVersionUID = 1L;
  private final String name;

  public TunnelAddress(String name) {
    this.name = name;
  }

  @Override
  public String toString() {
    return "tunnel:" + name;
  }
}
