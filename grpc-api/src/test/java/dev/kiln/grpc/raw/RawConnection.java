package dev.kiln.grpc.raw;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.TreeSet;

/** An HTTP/2 connection whose frames are made by hand (RFC 9113). Who opens it closes it. */
public final class RawConnection implements AutoCloseable {
  public static final int DATA = 0;
  public static final int HEADERS = 1;
  public static final int RST_STREAM = 3;
  public static final int SETTINGS = 4;
  public static final int PING = 6;
  public static final int GOAWAY = 7;
  public static final int WINDOW_UPDATE = 8;

  private static final int END_STREAM = 1;
  private static final int ACK = 1;
  private static final int END_HEADERS = 4;
  private static final int FIRST_WINDOW = 65_535;
  private static final String PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

  private final SocketChannel socket;
  private final DataOutputStream out;
  private final DataInputStream in;
  private final Set<Integer> answered = new TreeSet<>();
  private long window = FIRST_WINDOW;

  public RawConnection(SocketAddress server) throws IOException {
    socket = SocketChannel.open(server);
    out = new DataOutputStream(new BufferedOutputStream(Channels.newOutputStream(socket)));
    in = new DataInputStream(new BufferedInputStream(Channels.newInputStream(socket)));
  }

  /** Where this end is. */
  public SocketAddress localAddress() throws IOException {
    return socket.getLocalAddress();
  }

  /** Sends what need not be HTTP/2. */
  public void text(String text) throws IOException {
    out.write(text.getBytes(StandardCharsets.US_ASCII));
    out.flush();
  }

  /** What an honest client begins with. */
  public RawConnection greet() throws IOException {
    text(PREFACE);
    frame(SETTINGS, 0, 0, new byte[0]);
    out.flush();
    return this;
  }

  /** Half of what an honest client begins with, and no more. */
  public void begin() throws IOException {
    text(PREFACE.substring(0, PREFACE.length() / 2));
  }

  /** Begins a gRPC call, by HPACK's static table and literals (RFC 7541, appendix A). */
  public void call(int stream, String path) throws IOException {
    var block = new ByteArrayOutputStream();
    block.write(0x83); // :method POST
    block.write(0x86); // :scheme http
    literal(block, 4, path); // :path
    literal(block, 1, "localhost"); // :authority
    block.write(0x0f); // content-type is the 31st name: 15 and 16 more
    literal(block, 16, "application/grpc");
    block.write(0);
    text(block, "te");
    text(block, "trailers");
    frame(HEADERS, END_HEADERS, stream, block.toByteArray());
  }

  private static void literal(ByteArrayOutputStream block, int name, String value) {
    block.write(name);
    text(block, value);
  }

  private static void text(ByteArrayOutputStream block, String text) {
    block.write(text.length());
    block.writeBytes(text.getBytes(StandardCharsets.US_ASCII));
  }

  /** Sends data once the connection's window allows it. */
  public void data(int stream, byte[] payload) throws IOException {
    while (window < payload.length) {
      out.flush();
      read();
    }
    window -= payload.length;
    frame(DATA, 0, stream, payload);
  }

  /** The streams that were ended by the server, after reading until there are so many. */
  public Set<Integer> answered(int atLeast) throws IOException {
    out.flush();
    while (answered.size() < atLeast) {
      read();
    }
    return answered;
  }

  private record Frame(int type, int flags, int stream, byte[] payload) {}

  private Frame next() throws IOException {
    int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
    int type = in.readUnsignedByte();
    int flags = in.readUnsignedByte();
    int stream = in.readInt();
    return new Frame(type, flags, stream, in.readNBytes(length));
  }

  private void read() throws IOException {
    Frame frame = next();
    boolean ends = frame.type() == HEADERS && (frame.flags() & END_STREAM) != 0;
    if (frame.type() == SETTINGS && (frame.flags() & ACK) == 0) {
      frame(SETTINGS, ACK, 0, new byte[0]);
      out.flush();
    } else if (frame.type() == WINDOW_UPDATE && frame.stream() == 0) {
      window += ByteBuffer.wrap(frame.payload()).getInt();
    } else if (frame.type() == RST_STREAM || ends) {
      answered.add(frame.stream());
    } else if (frame.type() == GOAWAY) {
      byte[] why = frame.payload();
      throw new EOFException(
          "the server says farewell: "
              + new String(why, 8, why.length - 8, StandardCharsets.US_ASCII));
    }
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
    try {
      while (true) {
        Frame frame = next();
        if (frame.type() == GOAWAY) {
          return frame.payload()[7];
        }
      }
    } catch (EOFException | SocketException e) {
      return -1;
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
