package dev.kiln.daemon;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.kiln.config.ConfigException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryUsage;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The debug address (features O-20 to O-24): {@code /metrics} in Prometheus' text form, {@code
 * /debug/gc}, {@code /debug/vars}, and a dump of the threads at {@code /debug/pprof/goroutine},
 * where users of buildkitd look for one; Go's other profiles are not found. TCP only. The daemon
 * closes it.
 */
final class DebugServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DebugServer.class);

  /** Answers nowhere. */
  static final DebugServer OFF = new DebugServer(Optional.empty());

  private final Optional<HttpServer> http;

  private DebugServer(Optional<HttpServer> http) {
    this.http = http;
  }

  /**
   * @param address host and port
   * @param more values of the daemon itself, by name
   */
  static DebugServer start(String address, Supplier<Map<String, Double>> more) throws IOException {
    int colon = address.lastIndexOf(':');
    if (colon < 0) {
      throw new ConfigException("debug address " + address + ": missing port in address");
    }
    String host = address.substring(0, colon);
    int port = Integer.parseInt(address.substring(colon + 1));
    HttpServer http =
        HttpServer.create(
            host.isEmpty() ? new InetSocketAddress(port) : new InetSocketAddress(host, port), 0);
    http.createContext("/metrics", exchange -> answer(exchange, metrics(values(more.get()))));
    http.createContext(
        "/debug/gc",
        exchange -> {
          System.gc();
          answer(exchange, "");
        });
    http.createContext("/debug/vars", exchange -> answer(exchange, variables(values(more.get()))));
    http.createContext("/debug/pprof/goroutine", exchange -> answer(exchange, threads()));
    http.start();
    LOG.info("debug handlers listening at {}", http.getAddress());
    return new DebugServer(Optional.of(http));
  }

  private static void answer(HttpExchange exchange, String text) throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
    exchange.sendResponseHeaders(200, body.length == 0 ? -1 : body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  private static Map<String, Double> values(Map<String, Double> more) {
    var values = new TreeMap<>(more);
    MemoryUsage heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage();
    MemoryUsage other = ManagementFactory.getMemoryMXBean().getNonHeapMemoryUsage();
    values.put("jvm_memory_heap_used_bytes", (double) heap.getUsed());
    values.put("jvm_memory_heap_committed_bytes", (double) heap.getCommitted());
    values.put("jvm_memory_nonheap_used_bytes", (double) other.getUsed());
    values.put("jvm_threads", (double) ManagementFactory.getThreadMXBean().getThreadCount());
    values.put(
        "jvm_classes", (double) ManagementFactory.getClassLoadingMXBean().getLoadedClassCount());
    values.put("process_uptime_seconds", ManagementFactory.getRuntimeMXBean().getUptime() / 1000.0);
    ProcessHandle.current()
        .info()
        .totalCpuDuration()
        .ifPresent(cpu -> values.put("process_cpu_seconds_total", cpu.toMillis() / 1000.0));
    return values;
  }

  private static String metrics(Map<String, Double> values) {
    var text = new StringBuilder();
    values.forEach((name, value) ->
        text.append("# TYPE ")
            .append(name)
            .append(name.endsWith("_total") ? " counter\n" : " gauge\n")
            .append(name)
            .append(' ')
            .append(value)
            .append('\n'));
    return text.toString();
  }

  private static String variables(Map<String, Double> values) {
    var text = new StringBuilder("{");
    values.forEach((name, value) ->
        text.append(text.length() > 1 ? ",\n" : "\n")
            .append('"')
            .append(name)
            .append("\": ")
            .append(value));
    return text.append("\n}\n").toString();
  }

  private static String threads() {
    var text = new StringBuilder();
    Thread.getAllStackTraces()
        .forEach((thread, stack) -> {
          text.append(thread).append(' ').append(thread.getState()).append('\n');
          for (StackTraceElement frame : stack) {
            text.append("\tat ").append(frame).append('\n');
          }
        });
    return text.toString();
  }

  @Override
  public String toString() {
    return http.map(server -> server.getAddress().toString()).orElse("off");
  }

  @Override
  public void close() {
    http.ifPresent(server -> server.stop(0));
  }
}
