package dev.kiln.daemon;

import dev.kiln.grpc.transport.BoundServerChannel;
import dev.kiln.tracing.Blocking;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpServerKeepAliveHandler;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryUsage;
import java.net.SocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The debug address: {@code /metrics} in Prometheus' text form, {@code /debug/gc}, {@code
 * /debug/vars}, and a dump of the threads at {@code /debug/pprof/goroutine}, where users of
 * buildkitd look for one; Go's other profiles are not found. Any thread; its connections end with
 * the event loops.
 */
final class DebugServer {
  private static final Logger LOG = LoggerFactory.getLogger(DebugServer.class);
  private static final int MAX_REQUEST_BYTES = 1 << 16;

  private final EventLoopGroup loops;
  private final Map<String, Callable<String>> pages;

  /**
   * @param loops for its connections; stays open
   * @param more values of the daemon itself, by name
   */
  DebugServer(EventLoopGroup loops, Supplier<Map<String, Double>> more) {
    this.loops = loops;
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

  /** Takes over {@code socket}, bound already, and serves HTTP/1.1 on it. */
  void listen(ServerSocketChannel socket) throws IOException {
    SocketAddress address = socket.getLocalAddress();
    new ServerBootstrap()
        .group(loops)
        .channelFactory(() -> new BoundServerChannel(socket, address, _ -> {}))
        .childHandler(
            new ChannelInitializer<>() {
              @Override
              protected void initChannel(Channel connection) {
                connection
                    .pipeline()
                    .addLast(
                        new HttpServerCodec(),
                        new HttpServerKeepAliveHandler(),
                        new HttpObjectAggregator(MAX_REQUEST_BYTES),
                        new Answering());
              }
            })
        .bind(address)
        .syncUninterruptibly();
  }

  private final class Answering extends SimpleChannelInboundHandler<FullHttpRequest> {
    @Override
    protected void channelRead0(ChannelHandlerContext connection, FullHttpRequest request) {
      String uri = request.uri();
      connection.channel().config().setAutoRead(false); // one after the other
      var _ =
          Blocking.start("debug", () -> answer(uri))
              .done()
              .whenComplete((answer, failure) -> {
                connection.writeAndFlush(
                    failure == null
                        ? answer
                        : response(HttpResponseStatus.INTERNAL_SERVER_ERROR, "" + failure));
                connection.channel().config().setAutoRead(true);
              });
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext connection, Throwable cause) {
      LOG.debug("a debug connection broke", cause);
      connection.close();
    }
  }

  private FullHttpResponse answer(String uri) throws Exception {
    Callable<String> page = pages.get(new QueryStringDecoder(uri).path());
    return page == null
        ? response(HttpResponseStatus.NOT_FOUND, "")
        : response(HttpResponseStatus.OK, page.call());
  }

  private static FullHttpResponse response(HttpResponseStatus status, String text) {
    var response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1, status, Unpooled.copiedBuffer(text, StandardCharsets.UTF_8));
    response
        .headers()
        .set(HttpHeaderNames.CONTENT_TYPE, "text/plain; charset=UTF-8")
        .set(HttpHeaderNames.CONTENT_LENGTH, response.content().readableBytes());
    return response;
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
