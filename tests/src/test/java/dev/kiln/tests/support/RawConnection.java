package dev.kiln.tests.support;

import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/** An HTTP/2 connection whose frames are made by hand (RFC 9113). Who opens it closes it. */
public final class RawConnection implements AutoCloseable {
  public static final int SETTINGS = 4;
  public static final int PING = 6;
  public static final int GOAWAY = 7;

  private final SocketChannel socket;
  private final DataOutputStream out;

  public RawConnection(Distribution daemon) throws IOException {
    socket =
        SocketChannel.open(
            UnixDomainSocketAddress.of(daemon.address().substring("unix://".length())));
    out = new DataOutputStream(new BufferedOutputStream(Channels.newOutputStream(socket)));
  }

  /** What an honest client begins with. */
  public RawConnection greet() throws IOException {
    out.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    frame(SETTINGS, 0, 0, new byte[0]);
    out.flush();
    return this;
  }

  public void frame(int type, int flags, int stream, byte[] payload) throws IOException {
    out.writeByte(payload.length >> 16);
    out.writeShort(payload.length);
    out.writeByte(type);
    out.writeByte(flags);
    out.writeInt(stream);
    out.write(payload);
  }

  public void flush() throws IOException {
    out.flush();
  }

  /** The code that the server says farewell with; -1 where it just goes. */
  public int farewell() throws IOException {
    var in = new DataInputStream(Channels.newInputStream(socket));
    try {
      while (true) {
        int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
        int type = in.readUnsignedByte();
        in.readUnsignedByte();
        in.readInt();
        byte[] payload = in.readNBytes(length);
        if (type == GOAWAY) {
          return payload[7];
        }
      }
    } catch (EOFException e) {
      return -1;
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
