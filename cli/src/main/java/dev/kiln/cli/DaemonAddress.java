package dev.kiln.cli;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** Where a daemon listens. Immutable. */
sealed interface DaemonAddress {
  /** As the user wrote it. */
  String text();

  record Unix(String text, Path socket) implements DaemonAddress {}

  /**
   * @param host a name, an IPv4 address, or an IPv6 address in brackets
   */
  record Tcp(String text, String host, int port) implements DaemonAddress {}

  /** What {@code sun_path} of {@code sockaddr_un} holds, without its last zero (unix(7)). */
  int MAX_SOCKET_BYTES = 107;

  /**
   * Reads {@code unix:///path} or {@code tcp://host:port}.
   *
   * @throws BuildException {@code INVALID} for any other text
   */
  static DaemonAddress parse(String text) {
    try {
      if (text.startsWith("unix://")) {
        return unix(text, text.substring("unix://".length()));
      }
      if (text.startsWith("tcp://")) {
        return tcp(text, text.substring("tcp://".length()));
      }
      boolean path = text.startsWith("/") && Files.exists(Path.of(text));
      throw invalid(
          text,
          path
              ? "write unix://" + text
              : "kiln knows unix:///path/to/socket and tcp://host:port alone");
    } catch (InvalidPathException e) {
      throw invalid(text, "no path has such characters");
    }
  }

  private static DaemonAddress unix(String text, String path) {
    if (path.isEmpty()) {
      throw invalid(text, "the path of the socket is missing: unix:///path/to/socket");
    }
    int bytes = path.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > MAX_SOCKET_BYTES) {
      throw invalid(
          text,
          "a socket's path has at most " + MAX_SOCKET_BYTES + " bytes, and this one has " + bytes);
    }
    return new Unix(text, Path.of(path));
  }

  private static DaemonAddress tcp(String text, String place) {
    int colon = place.lastIndexOf(':');
    boolean bracketed = place.startsWith("[") && place.indexOf(']') == colon - 1;
    if (colon <= 0 || !bracketed && place.indexOf(':') != colon) {
      throw invalid(text, "write tcp://host:port, an IPv6 address in brackets");
    }
    try {
      int port = Integer.parseInt(place.substring(colon + 1));
      if (port > 0 && port <= 0xffff) {
        return new Tcp(text, place.substring(0, colon), port);
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw invalid(text, "'" + place.substring(colon + 1) + "' is no port (1 to 65535)");
  }

  private static BuildException invalid(String text, String why) {
    return new BuildException(Kind.INVALID, "the daemon's address '" + text + "': " + why);
  }
}
