package dev.kiln.daemon;

import akka.NotUsed;
import akka.actor.ClassicActorSystemProvider;
import akka.http.javadsl.Http;
import akka.http.javadsl.model.ContentTypes;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpRequest;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.StatusCodes;
import akka.stream.TLSProtocol.SslTlsInbound;
import akka.stream.TLSProtocol.SslTlsOutbound;
import akka.stream.javadsl.BidiFlow;
import akka.stream.javadsl.Flow;
import akka.stream.javadsl.TLSPlacebo;
import akka.util.ByteString;
import dev.kiln.tracing.Blocking;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryUsage;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.function.Supplier;

/**
 * The debug address (features O-20 to O-24): {@code /metrics} in Prometheus' text form, {@code
 * /debug/gc}, {@code /debug/vars}, and a dump of the threads at {@code /debug/pprof/goroutine},
 * where users of buildkitd look for one; Go's other profiles are not found. Any thread; its
 * connections end with the actor system.
 */
final class DebugServer {
  private final ClassicActorSystemProvider system;
  private final Map<String, Callable<String>> pages;

  /**
   * @param more values of the daemon itself, by name
   */
  DebugServer(ClassicActorSystemProvider system, Supplier<Map<String, Double>> more) {
    this.system = system;
    this.pages =
        Map.of(
            "/metrics",
            () -> metrics(values(more.get())),
            "/debug/vars",
            () -> variables(values(more.get())),
            "/debug/pprof/goroutine",
            DebugServer::threads,
            "/debug/gc",
            DebugServer::collect);
  }

  /** Serves HTTP/1.1 on one connection. */
  void serve(Flow<ByteString, ByteString, ?> connection) {
    // What only comes out of a layer may be of a narrower type.
    @SuppressWarnings("unchecked")
    var bytes =
        (BidiFlow<SslTlsOutbound, ByteString, ByteString, SslTlsInbound, NotUsed>)
            (BidiFlow<?, ?, ?, ?, ?>) TLSPlacebo.getInstance();
    Flow.of(HttpRequest.class)
        .mapAsync(1, request -> Blocking.start("debug", () -> answer(request)).done())
        .join(Http.get(system).serverLayer().atop(bytes))
        .join(connection)
        .run(system);
  }

  private HttpResponse answer(HttpRequest request) throws Exception {
    request.discardEntityBytes(system);
    Callable<String> page = pages.get(request.getUri().path());
    return page == null
        ? HttpResponse.create().withStatus(StatusCodes.NOT_FOUND)
        : HttpResponse.create()
            .withEntity(HttpEntities.create(ContentTypes.TEXT_PLAIN_UTF8, page.call()));
  }

  private static String collect() {
    System.gc();
    return "";
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
}
