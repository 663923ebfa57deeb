package dev.kiln.cli;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.netty.handler.ssl.NotSslRecordException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLException;

/**
 * Failures of the connection to a daemon in words: what was tried, what is wrong, how to mend it.
 * The transport tells little of this in its messages and much in its causes. Stateless.
 */
final class ConnectionFailure {
  private static final String START =
      "start a daemon (kiln daemon), give the address of one that runs (--addr or BUILDKIT_HOST),"
          + " or leave the address away for one of the build's own";
  private static final List<String> TRANSPORTS_OWN =
      List.of(
          "io exception",
          "Network closed",
          "Connection closed",
          "Channel closed",
          "End of stream or IOException",
          "Failed ALPN negotiation",
          "ssl exception",
          "http2 exception",
          "HTTP/2 error code",
          "HTTP status code",
          "Stream ended with GOAWAY",
          "Encountered end-of-stream mid-frame");

  private ConnectionFailure() {}

  /** Whether a call failed for its connection, and not by the word of a daemon. */
  static boolean isOne(StatusRuntimeException failure) {
    Status status = failure.getStatus();
    String said = status.getDescription() == null ? "" : status.getDescription();
    Throwable cause = status.getCause();
    boolean local = cause != null && !(cause instanceof StatusRuntimeException); // of an answer
    return local
        || status.getCode() == Status.Code.UNAVAILABLE && said.isEmpty()
        || TRANSPORTS_OWN.stream().anyMatch(said::startsWith);
  }

  /** A connection that could not be made. */
  static BuildException reaching(
      DaemonAddress address, boolean secure, StatusRuntimeException failure) {
    List<Throwable> causes = causes(failure);
    String why =
        tls(causes)
            .or(() -> protocol(failure, causes, secure))
            .orElseGet(() ->
                switch (address) {
                  case DaemonAddress.Unix(String _, Path socket) -> unix(socket, failure, causes);
                  case DaemonAddress.Tcp tcp -> tcp(tcp, failure, causes);
                });
    return new BuildException(
        Kind.UNAVAILABLE, "cannot reach the daemon at " + address.text() + ": " + why, failure);
  }

  /** A connection that broke in the middle of a build. */
  static BuildException losing(DaemonAddress address, StatusRuntimeException failure) {
    return new BuildException(
        Kind.UNAVAILABLE,
        "lost the daemon at "
            + address.text()
            + ": the connection broke before the build had ended. It was stopped or killed, or the"
            + " network failed; its log says more",
        failure);
  }

  private static List<Throwable> causes(Throwable failure) {
    var causes = new ArrayList<Throwable>();
    for (Throwable t = failure; t != null && causes.size() < 20; t = t.getCause()) {
      causes.add(t);
    }
    return causes;
  }

  private static <T extends Throwable> Optional<T> find(List<Throwable> in, Class<T> type) {
    return in.stream().filter(type::isInstance).map(type::cast).findFirst();
  }

  private static boolean says(List<Throwable> causes, String text) {
    return causes.stream().anyMatch(t -> String.valueOf(t.getMessage()).contains(text));
  }

  private static Optional<String> tls(List<Throwable> causes) {
    if (find(causes, NotSslRecordException.class).isPresent()) {
      return Optional.of("it does not speak TLS: leave the --tls flags away, or check the port");
    }
    if (find(causes, CertificateExpiredException.class).isPresent()) {
      return Optional.of("its certificate has expired: renew it, or set this machine's clock");
    }
    if (find(causes, CertificateNotYetValidException.class).isPresent()) {
      return Optional.of("its certificate is not valid yet: check the clocks of both machines");
    }
    if (find(causes, CertPathBuilderException.class).isPresent()
        || says(causes, "Path does not chain")) {
      return Optional.of(
          "its certificate is of an unknown authority: give the authority's with --tlscacert");
    }
    Optional<String> name =
        causes.stream()
            .map(t -> String.valueOf(t.getMessage()))
            .filter(
                said -> said.startsWith("No name ") || said.startsWith("No subject alternative"))
            .findFirst();
    if (name.isPresent()) {
      return Optional.of(
          "its certificate is of another name ("
              + name.get()
              + "): give the name it has with --tlsservername");
    }
    return find(causes, SSLException.class).map(ConnectionFailure::refused);
  }

  private static String refused(SSLException failure) {
    String said = failure.getMessage() == null ? failure.toString() : failure.getMessage();
    boolean alert = said.contains("fatal alert");
    return "TLS was refused ("
        + said
        + (alert
            ? "): the daemon may want a certificate of ours that its authority has signed"
                + " (--tlscert and --tlskey)"
            : ")");
  }

  private static Optional<String> protocol(
      StatusRuntimeException failure, List<Throwable> causes, boolean secure) {
    String said = failure.getStatus().getDescription();
    if (says(causes, "Hex dump for first 5 bytes: 1503")) {
      return Optional.of("it wants TLS: give --tlscacert, and --tlscert and --tlskey if it asks");
    }
    if (says(causes, "First received frame was not SETTINGS")
        || said != null && (said.startsWith("HTTP status") || said.startsWith("Failed ALPN"))) {
      return Optional.of("whoever listens there speaks no gRPC over HTTP/2: check the address");
    }
    boolean silent = said != null && said.startsWith("Network closed");
    return silent
        ? Optional.of(
            "it took the connection and closed it at once: "
                + (secure
                    ? "it may want a certificate of ours (--tlscert and --tlskey)"
                    : "no build daemon listens there, it stops just now, or it wants TLS"))
        : Optional.empty();
  }

  private static String unix(Path socket, StatusRuntimeException failure, List<Throwable> causes) {
    if (says(causes, "Permission denied") || says(causes, "Operation not permitted")) {
      return "permission denied: be a member of the socket's group, or use sudo";
    }
    if (!Files.exists(socket)) {
      return "no such file or directory: " + START;
    }
    if (!isSocket(socket)) {
      return "that is not a socket: give the path of a daemon's socket";
    }
    if (says(causes, "Connection refused")) {
      return "nobody listens on that socket (connection refused): " + START;
    }
    return otherwise(failure, causes);
  }

  private static boolean isSocket(Path path) {
    try {
      int mode = (Integer) Files.getAttribute(path, "unix:mode");
      return (mode & 0170000) == 0140000; // S_IFMT, S_IFSOCK
    } catch (IOException e) {
      return !Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS);
    }
  }

  private static String tcp(
      DaemonAddress.Tcp address, StatusRuntimeException failure, List<Throwable> causes) {
    if (find(causes, UnresolvedAddressException.class).isPresent()
        || find(causes, java.net.UnknownHostException.class).isPresent()) {
      return "no machine of the name " + address.host() + " is known: check the name and the DNS";
    }
    if (says(causes, "Connection refused")) {
      return "nobody listens on that port (connection refused): " + START;
    }
    if (says(causes, "connection timed out") || says(causes, "Connection timed out")) {
      return "the connection timed out: check the address, and that no firewall drops it";
    }
    if (find(causes, NoRouteToHostException.class).isPresent()) {
      return "no route leads to that machine: check the network";
    }
    return otherwise(failure, causes);
  }

  private static String otherwise(StatusRuntimeException failure, List<Throwable> causes) {
    if (failure.getStatus().getCode() == Status.Code.DEADLINE_EXCEEDED) {
      return "it took the connection and does not answer: check that a build daemon listens there,"
          + " and what it logs";
    }
    Optional<String> kernel =
        find(causes, ConnectException.class)
            .map(SocketException.class::cast)
            .or(() -> find(causes, SocketException.class))
            .map(Throwable::getMessage);
    return kernel.orElseGet(() -> {
      Throwable last = causes.getLast();
      return last.getMessage() == null ? last.toString() : last.getMessage();
    });
  }
}
