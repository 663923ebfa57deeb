package dev.kiln.session;

import dev.kiln.grpc.session.upload.BytesMessage;
import io.grpc.MethodDescriptor;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Files that a client offers under {@code http://buildkit-session/}, such as a context read from
 * its standard input. Stateless, any thread; blocks.
 */
public final class Upload {
  /** The host of such URLs. */
  public static final String HOST = "buildkit-session";

  private static final MethodDescriptor<BytesMessage, BytesMessage> PULL =
      Calls.bidirectional(
          "moby.upload.v1.Upload",
          "Pull",
          BytesMessage.getDefaultInstance(),
          BytesMessage.getDefaultInstance());

  private Upload() {}

  /**
   * Writes the file to {@code to}, which stays open. A client gives each file once.
   *
   * @return the number of bytes
   */
  public static long pull(ClientSession session, URI url, OutputStream to)
      throws IOException, InterruptedException {
    session.require("/" + PULL.getFullMethodName());
    var headers =
        Map.of(
            "urlpath", List.of(Optional.ofNullable(url.getPath()).orElse("")),
            "urlhost", List.of(Optional.ofNullable(url.getAuthority()).orElse("")));
    try (var call = Calls.open(session, PULL, headers)) {
      long bytes = 0;
      for (var next = call.receive(); next.isPresent(); next = call.receive()) {
        next.get().getData().writeTo(to);
        bytes += next.get().getData().size();
      }
      return bytes;
    }
  }
}
