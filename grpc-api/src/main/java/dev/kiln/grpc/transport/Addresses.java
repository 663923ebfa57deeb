package dev.kiln.grpc.transport;

import io.netty.util.NetUtil;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;

/** Addresses in the form that users write them in. Stateless. */
public final class Addresses {
  private Addresses() {}

  /**
   * {@code unix:///path} or {@code tcp://host:port}; a unix peer without a path has none to show.
   */
  public static String shown(SocketAddress address) {
    return switch (address) {
      case UnixDomainSocketAddress unix -> "unix://" + unix.getPath();
      case InetSocketAddress inet -> {
        String host =
            inet.isUnresolved() ? inet.getHostString() : NetUtil.toAddressString(inet.getAddress());
        yield "tcp://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + inet.getPort();
      }
      default -> address.toString();
    };
  }
}
