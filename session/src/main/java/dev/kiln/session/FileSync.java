package dev.kiln.session;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.session.tree.Packet;
import dev.kiln.session.tree.ReceiveOptions;
import dev.kiln.session.tree.TreeReceiver;
import io.grpc.MethodDescriptor;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Directories that clients lend. Stateless, any thread; blocks. */
public final class FileSync {
  /** The call, for those who serve it too. */
  public static final MethodDescriptor<Packet, Packet> DIFF_COPY =
      MethodDescriptor.<Packet, Packet>newBuilder()
          .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
          .setFullMethodName("moby.filesync.v1.FileSync/DiffCopy")
          .setRequestMarshaller(Packet.MARSHALLER)
          .setResponseMarshaller(Packet.MARSHALLER)
          .build();

  private FileSync() {}

  /** Which files of which directory. Immutable. Empty lists leave the filter out. */
  public record Request(
      String directory,
      List<String> includePatterns,
      List<String> excludePatterns,
      List<String> followPaths) {
    public Request {
      includePatterns = List.copyOf(includePatterns);
      excludePatterns = List.copyOf(excludePatterns);
      followPaths = List.copyOf(followPaths);
    }

    /** As request metadata (BuildKit v0.22, {@code session/filesync/filesync.go}). */
    Map<String, List<String>> headers() {
      var headers = new HashMap<String, List<String>>();
      put(headers, "dir-name", List.of(directory));
      put(headers, "include-patterns", includePatterns);
      put(headers, "exclude-patterns", excludePatterns);
      put(headers, "followpaths", followPaths);
      return headers;
    }

    private static void put(Map<String, List<String>> to, String name, List<String> values) {
      if (values.isEmpty()) {
        return;
      }
      boolean ascii = values.stream().allMatch(v -> v.chars().allMatch(c -> c < 0x80));
      if (ascii) {
        to.put(name, values);
      } else {
        to.put(name, values.stream().map(Request::escape).toList());
        to.put(name + "-encoded", List.of("1"));
      }
    }

    private static String escape(String value) {
      return URLEncoder.encode(value, StandardCharsets.UTF_8)
          .replace("*", "%2A")
          .replace("%7E", "~");
    }
  }

  /**
   * Makes {@code destination} equal to what the client lends, sending only what differs.
   *
   * @throws BuildException {@code NOT_FOUND} where the client does not lend that directory: another
   *     session may; {@code UNSUPPORTED} where it lends none at all
   */
  public static TreeReceiver.Summary receive(
      ClientSession session, Request request, Path destination, ReceiveOptions options)
      throws IOException, InterruptedException {
    if (!session.supports("/" + DIFF_COPY.getFullMethodName())) {
      throw new BuildException(Kind.UNSUPPORTED, "no local sources enabled");
    }
    try (var call = Calls.open(session, DIFF_COPY, request.headers())) {
      return TreeReceiver.receive(new PacketCall(call), destination, options);
    }
  }
}
