package dev.kiln.registry.hostile;

import dev.kiln.tracing.Blocking;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ServerSocketFactory;

/**
 * An HTTP/1.1 server on the loopback whose answers are written byte by byte, as badly as a test
 * wants; each connection is for one request. Any thread; who starts it closes it, which ends what
 * is under way.
 */
public final class HostileServer implements AutoCloseable {
  private static final int LARGEST_REQUEST = 16 << 20;
  private final ServerSocket socket;
  private final Handler handler;
  private final List<Request> requests = new CopyOnWriteArrayList<>();
  private final Set<Socket> connections = ConcurrentHashMap.newKeySet();

  /** Writes one answer; what it throws cuts the connection. */
  public interface Handler {
    void answer(Request request, Wire wire) throws IOException, InterruptedException;
  }

  /**
   * What was asked.
   *
   * @param headers by their names in lower case
   */
  public record Request(String method, String target, Map<String, String> headers, byte[] body) {
    public String path() {
      return target.split("\\?", 2)[0];
    }

    public Optional<String> authorization() {
      return Optional.ofNullable(headers.get("authorization"));
    }

    @Override
    public String toString() {
      return method + " " + target + authorization().map(a -> " [" + a + "]").orElse("");
    }
  }

  /** The way back to the client. */
  public static final class Wire {
    private final OutputStream out;

    private Wire(OutputStream out) {
      this.out = out;
    }

    public void text(String text) throws IOException {
      bytes(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    public void bytes(byte[] bytes) throws IOException {
      out.write(bytes);
      out.flush();
    }

    /** Status line and headers, {@code Name: value} each. */
    public void head(int status, String... headers) throws IOException {
      var head = new StringBuilder("HTTP/1.1 " + status + " As Wanted\r\nConnection: close\r\n");
      for (String header : headers) {
        head.append(header).append("\r\n");
      }
      text(head.append("\r\n").toString());
    }

    /** A whole answer as it should be. */
    public void whole(int status, byte[] body, String... headers) throws IOException {
      String[] all = Arrays.copyOf(headers, headers.length + 1);
      all[headers.length] = "Content-Length: " + body.length;
      head(status, all);
      bytes(body);
    }
  }

  private HostileServer(ServerSocket socket, Handler handler) {
    this.socket = socket;
    this.handler = handler;
  }

  public static HostileServer start(Handler handler) throws IOException {
    return start(ServerSocketFactory.getDefault(), handler);
  }

  /** One whose sockets may speak TLS. */
  public static HostileServer start(ServerSocketFactory sockets, Handler handler)
      throws IOException {
    var server =
        new HostileServer(
            sockets.createServerSocket(0, 50, InetAddress.getByName("127.0.0.1")), handler);
    Blocking.onPlatform(
        "hostile-server",
        () -> {
          server.accept();
          return null;
        });
    return server;
  }

  public String host() {
    return "127.0.0.1:" + socket.getLocalPort();
  }

  /** What was asked so far, in order. */
  public List<Request> requests() {
    return List.copyOf(requests);
  }

  private void accept() {
    while (!socket.isClosed()) {
      try {
        Socket connection = socket.accept();
        connections.add(connection);
        Blocking.start(
            "hostile-answer",
            () -> {
              serve(connection);
              return null;
            });
      } catch (IOException e) {
        return; // closed
      }
    }
  }

  private void serve(Socket connection) throws IOException, InterruptedException {
    try (connection) {
      Request request = read(new BufferedInputStream(connection.getInputStream()));
      requests.add(request);
      handler.answer(request, new Wire(connection.getOutputStream()));
    } finally {
      connections.remove(connection);
    }
  }

  private static Request read(InputStream in) throws IOException {
    String[] first = line(in).split(" ", 3);
    if (first.length < 3) {
      throw new IOException("no request");
    }
    var headers = new TreeMap<String, String>();
    for (String line = line(in); !line.isEmpty(); line = line(in)) {
      String[] parts = line.split(":", 2);
      headers.put(parts[0].toLowerCase(Locale.ROOT), parts[1].strip());
    }
    int length =
        Math.min(LARGEST_REQUEST, Integer.parseInt(headers.getOrDefault("content-length", "0")));
    return new Request(first[0], first[1], headers, in.readNBytes(length));
  }

  private static String line(InputStream in) throws IOException {
    var line = new StringBuilder();
    for (int c = in.read(); c >= 0 && c != '\n'; c = in.read()) {
      line.append((char) c);
    }
    return line.toString().strip();
  }

  @Override
  public void close() throws IOException {
    socket.close();
    for (Socket connection : connections) {
      connection.close();
    }
  }
}
