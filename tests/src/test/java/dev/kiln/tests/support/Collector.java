package dev.kiln.tests.support;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * OpenTelemetry's own collector, which prints what it is sent. Who starts it closes it; it is read
 * afterwards.
 */
public final class Collector implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Pattern FIELD =
      Pattern.compile("^    (Trace ID|Parent ID|ID|Name|Status code) +: ?(.*)$");
  private static final Pattern ATTRIBUTE = Pattern.compile("^ {5}-> ([^:]+): \\w+\\((.*)\\)$");

  private final Process process;
  private final Path log;
  private final int port;

  private Collector(Process process, Path log, int port) {
    this.process = process;
    this.log = log;
    this.port = port;
  }

  /**
   * A span as it arrived.
   *
   * @param parent id of the span above, empty for none
   */
  public record Span(
      String trace, String id, String parent, String name, Map<String, String> attributes) {
    public Optional<String> attribute(String key) {
      return Optional.ofNullable(attributes.get(key));
    }
  }

  public static Collector start(Path folder) throws IOException, InterruptedException {
    Path program = GoTools.collector();
    int port = freePort();
    Path config = folder.resolve("collector.yaml");
    Files.writeString(
        config,
        """
        receivers:
          otlp:
            protocols:
              grpc:
                endpoint: 127.0.0.1:%d
        exporters:
          debug:
            verbosity: detailed
        service:
          telemetry:
            metrics:
              level: none
          pipelines:
            traces:
              receivers: [otlp]
              exporters: [debug]
        """
            .formatted(port));
    Path log = folder.resolve("collector.log");
    Process process =
        new ProcessBuilder(program.toString(), "--config", config.toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    var collector = new Collector(process, log, port);
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (System.nanoTime() < end && process.isAlive()) {
      try (var probe = new Socket()) {
        probe.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1000);
        return collector;
      } catch (IOException notYet) {
        LockSupport.parkNanos(20_000_000);
      }
    }
    collector.close();
    throw new IOException("the collector does not listen: " + Files.readString(log));
  }

  /** A port that nobody listens on just now. */
  public static int freePort() throws IOException {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  /** For {@code OTEL_EXPORTER_OTLP_ENDPOINT}. */
  public String endpoint() {
    return "http://127.0.0.1:" + port;
  }

  /** All spans so far. */
  public List<Span> spans() throws IOException {
    var all = new ArrayList<Span>();
    var fields = new HashMap<String, String>();
    var attributes = new HashMap<String, String>();
    boolean links = false;
    for (String line : Files.readAllLines(log)) {
      if (line.startsWith("Span #") || line.startsWith("ResourceSpans #")) {
        add(all, fields, attributes);
        links = false;
        continue;
      }
      links |= line.equals("Links:") || line.equals("Events:");
      Matcher field = FIELD.matcher(line);
      Matcher attribute = ATTRIBUTE.matcher(line);
      if (!links && field.matches()) {
        fields.put(field.group(1), field.group(2).strip());
      } else if (!links && attribute.matches()) {
        attributes.put(attribute.group(1), attribute.group(2));
      }
    }
    add(all, fields, attributes);
    return all;
  }

  private static void add(
      List<Span> all, Map<String, String> fields, Map<String, String> attributes) {
    if (fields.containsKey("ID")) {
      all.add(
          new Span(
              fields.getOrDefault("Trace ID", ""),
              fields.getOrDefault("ID", ""),
              fields.getOrDefault("Parent ID", ""),
              fields.getOrDefault("Name", ""),
              Map.copyOf(attributes)));
    }
    fields.clear();
    attributes.clear();
  }

  /** Lets it print what it has, and ends it. */
  @Override
  public void close() {
    process.destroy();
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
