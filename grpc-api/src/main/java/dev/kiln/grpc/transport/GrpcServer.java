package dev.kiln.grpc.transport;

import akka.Done;
import akka.NotUsed;
import akka.actor.ActorSystem;
import akka.actor.ClassicActorSystemProvider;
import akka.event.Logging;
import akka.event.LoggingAdapter;
import akka.grpc.ServiceDescription;
import akka.grpc.Trailers;
import akka.grpc.internal.GrpcProtocolNative$;
import akka.grpc.internal.GrpcResponseHelpers;
import akka.grpc.internal.Identity$;
import akka.grpc.javadsl.GrpcExceptionHandler;
import akka.http.impl.engine.http2.FrameEvent;
import akka.http.impl.engine.http2.Http2;
import akka.http.impl.engine.http2.Http2Blueprint;
import akka.http.impl.engine.parsing.HttpHeaderParser;
import akka.http.impl.engine.rendering.DateHeaderRendering;
import akka.http.javadsl.model.HttpEntities;
import akka.http.javadsl.model.HttpHeader;
import akka.http.javadsl.model.HttpRequest;
import akka.http.javadsl.model.HttpResponse;
import akka.http.javadsl.model.headers.RawHeader;
import akka.http.scaladsl.settings.ServerSettings;
import akka.japi.function.Function;
import akka.stream.Attributes;
import akka.stream.KillSwitches;
import akka.stream.Materializer;
import akka.stream.SharedKillSwitch;
import akka.stream.SystemMaterializer;
import akka.stream.javadsl.Flow;
import akka.stream.javadsl.Keep;
import akka.stream.scaladsl.BidiFlow;
import akka.util.ByteString;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import dev.kiln.grpc.GrpcErrors;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.opentelemetry.api.trace.Tracer;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import scala.jdk.javaapi.CollectionConverters;
import scala.jdk.javaapi.FutureConverters;

/**
 * Serves gRPC services over any byte streams: sockets, a TLS layer, or the standard streams of a
 * process. Built once, then shared by all connections; any thread. Built from akka-http's HTTP/2
 * layers with {@link FrameTap} between framing and header compression, because akka-http itself
 * binds TCP only and tells a unary handler nothing of its caller's end. Whoever builds it closes
 * it: that ends all connections.
 */
public final class GrpcServer implements AutoCloseable {
  /** Largest message of a request or an answer, as in BuildKit (features S-16). */
  public static final int MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

  private static final int MAX_STREAMS = 10_000;
  private static final String ACCEPT_ENCODING = "grpc-accept-encoding";

  /**
   * Streams live for hours without a byte, uploads are endless, and a burst of cancelled calls is
   * ordinary. Windows of 4 MB carry a local upload at full speed.
   */
  private static final String SETTINGS =
      """
      akka.http.server {
        idle-timeout = infinite
        request-timeout = infinite
        server-header = ""
        parsing.max-content-length = infinite
        parsing.max-header-value-length = 1m
        parsing.max-header-count = 4096
        parsing.illegal-header-warnings = off
        http2.max-concurrent-streams = 10000
        http2.incoming-connection-level-buffer-size = 16 MB
        http2.incoming-stream-level-buffer-size = 4 MB
        http2.max-resets = 1000000
      }
      """;

  /**
   * Wire paths that differ from the declared ones: the stub generator refuses a method named by a
   * reserved word.
   */
  private static final Map<String, String> DECLARED_AS =
      Map.of(
          "moby.buildkit.v1.frontend.LLBBridge/Return",
          "moby.buildkit.v1.frontend.LLBBridge/Returned");

  /** A client that dies inside a frame is no error of ours. */
  private static final Attributes QUIET =
      Attributes.createLogLevels(
          Attributes.logLevelDebug(), Attributes.logLevelDebug(), Attributes.logLevelDebug());

  private record Route(
      ServiceDescriptor service, Function<HttpRequest, CompletionStage<HttpResponse>> handler) {}

  private final ClassicActorSystemProvider system;
  private final Map<String, Route> routes;
  private final ServerSpans spans;
  private final ServerSettings settings;
  private final LoggingAdapter log;
  private final DateHeaderRendering date;
  private Optional<HttpHeaderParser> headers = Optional.empty();
  private final Materializer materializer;
  private final ResponseLimit limit = new ResponseLimit(MAX_MESSAGE_BYTES, this::handled);
  private final SharedKillSwitch all = KillSwitches.shared("grpc-connections");

  private GrpcServer(
      ClassicActorSystemProvider system, Map<String, Route> routes, ServerSpans spans) {
    this.system = system;
    this.spans = spans;
    this.routes = Map.copyOf(routes);
    this.settings = ServerSettings.apply(SETTINGS);
    this.log = Logging.getLogger(system.classicSystem(), GrpcServer.class);
    this.date = DateHeaderRendering.apply(Clock.systemUTC()::millis, system);
    this.materializer = SystemMaterializer.get(system).materializer();
  }

  public static Builder builder(ClassicActorSystemProvider system) {
    return new Builder(system);
  }

  /** Collects services; confined to one thread. */
  public static final class Builder {
    private final ClassicActorSystemProvider system;
    private final Map<String, Route> routes = new LinkedHashMap<>();
    private Optional<Tracer> tracer = Optional.empty();

    private Builder(ClassicActorSystemProvider system) {
      this.system = system;
    }

    /**
     * @param handler from the generated {@code …PowerApiHandlerFactory.create(service,
     *     GrpcServer.errors(), system)}
     */
    public Builder add(
        ServiceDescription description,
        Function<HttpRequest, CompletionStage<HttpResponse>> handler) {
      String simpleName = description.name().substring(description.name().lastIndexOf('.') + 1);
      routes.put(
          description.name(),
          new Route(description.descriptor().findServiceByName(simpleName), handler));
      return this;
    }

    /** Makes a span of each call whose caller traces. */
    public Builder tracer(Tracer tracer) {
      this.tracer = Optional.of(tracer);
      return this;
    }

    public GrpcServer build() {
      return new GrpcServer(system, routes, new ServerSpans(tracer));
    }
  }

  /** How handlers' failures become trailers; give it to every generated handler factory. */
  public static akka.japi.Function<ActorSystem, akka.japi.Function<Throwable, Trailers>> errors() {
    return system -> {
      var mapper = GrpcExceptionHandler.defaultMapper().apply(system);
      return failure -> mapper.apply(GrpcErrors.toGrpc(failure));
    };
  }

  /**
   * Serves one connection until either side ends it.
   *
   * @return completes, never fails, when the connection has ended
   */
  public CompletionStage<Done> serve(Flow<ByteString, ByteString, ?> connection) {
    var ended = new CompletableFuture<Done>();
    connection
        .viaMat(all.<ByteString>flow(), Keep.right())
        .watchTermination(
            (_, done) -> done.whenComplete((_, _) -> ended.complete(Done.getInstance())))
        .join(http2())
        .withAttributes(QUIET)
        .run(materializer);
    return ended;
  }

  private Flow<ByteString, ByteString, NotUsed> http2() {
    var streams = new OpenStreams();
    BidiFlow<FrameEvent, FrameEvent, FrameEvent, FrameEvent, NotUsed> tap =
        BidiFlow.fromGraph(new FrameTap(streams));
    var stack =
        Http2Blueprint.httpLayer(settings, log, date)
            .atop(
                Http2Blueprint.serverDemux(
                    settings.http2Settings(),
                    CollectionConverters.asScala(List.<FrameEvent.Setting>of()).toSeq(),
                    false))
            .atop(Http2Blueprint.hpackCoding(headerParser(), settings.parserSettings()))
            .atop(tap)
            .atop(Http2Blueprint.framing(settings.http2Settings(), log))
            .atop(Http2Blueprint.errorHandling(log));
    return Http2Blueprint.handleWithStreamIdHeader(
            MAX_STREAMS,
            request ->
                FutureConverters.asScala(
                    handle(streams, request)
                        .thenApply(r -> (akka.http.scaladsl.model.HttpResponse) r)),
            system.classicSystem().dispatcher())
        .join(stack)
        .asJava();
  }

  /**
   * A connection's own. To know all headers of HTTP takes long to make: once, when the first one
   * comes, as some servers never see any.
   */
  private synchronized HttpHeaderParser headerParser() {
    if (headers.isEmpty()) {
      headers = Optional.of(HttpHeaderParser.apply(settings.parserSettings(), log));
    }
    return headers.get().createShallowCopy();
  }

  private CompletionStage<HttpResponse> handle(OpenStreams streams, HttpRequest request) {
    int streamId = (Integer) request.getAttribute(Http2.streamId()).orElseThrow();
    var headers = new HashMap<String, List<String>>();
    for (HttpHeader header : request.getHeaders()) {
      headers.computeIfAbsent(header.lowercaseName(), _ -> new ArrayList<>()).add(header.value());
    }
    String path = wirePath(request);
    Call call = Call.open(headers, spans, path);
    streams.attach(streamId, call);
    try {
      Route route = route(path);
      return route
          .handler()
          .apply(prepared(request, path, call))
          .exceptionally(this::failed)
          .thenApply(response -> limit.apply(response, this::failed))
          .thenApply(call::decorated);
    } catch (StatusRuntimeException e) {
      request.discardEntityBytes(materializer);
      return CompletableFuture.completedFuture(failed(e));
    } catch (Exception e) {
      request.discardEntityBytes(materializer);
      log.error(e, "a gRPC handler threw");
      return CompletableFuture.completedFuture(failed(e));
    }
  }

  /** UNIMPLEMENTED for what is not served, in grpc-go's words. */
  private Route route(String path) {
    int slash = path.lastIndexOf('/');
    if (slash < 0) {
      throw GrpcErrors.of(Code.UNIMPLEMENTED, "malformed method name: \"/" + path + "\"");
    }
    String service = path.substring(0, slash);
    String method = path.substring(slash + 1);
    Route route = routes.get(service);
    if (route == null) {
      throw GrpcErrors.of(Code.UNIMPLEMENTED, "unknown service " + service);
    }
    String declared = DECLARED_AS.getOrDefault(path, path).substring(slash + 1);
    boolean known =
        route.service().getMethods().stream()
            .map(MethodDescriptor::getName)
            .anyMatch(declared::equals);
    if (!known || DECLARED_AS.containsValue(path)) {
      throw GrpcErrors.of(
          Code.UNIMPLEMENTED, "unknown method " + method + " for service " + service);
    }
    return route;
  }

  private static String wirePath(HttpRequest request) {
    String path = request.getUri().path();
    return path.startsWith("/") ? path.substring(1) : path;
  }

  /**
   * The request as handlers take it. Answers go uncompressed, whatever the client could read: each
   * small message would cost a compressor, and grpc-go compresses answers to compressed requests
   * only.
   */
  private static HttpRequest prepared(HttpRequest request, String path, Call call) {
    HttpRequest prepared = request;
    Optional<String> declared = Optional.ofNullable(DECLARED_AS.get(path));
    if (declared.isPresent()) {
      prepared = prepared.withUri(request.getUri().path("/" + declared.get()));
    }
    return prepared
        .removeHeader(ACCEPT_ENCODING)
        .removeHeader(Call.ID_HEADER)
        .addHeader(RawHeader.create(Call.ID_HEADER, call.id()))
        .withEntity(
            HttpEntities.create(
                request.entity().getContentType(),
                request.entity().getDataBytes().via(new MessageLimit(MAX_MESSAGE_BYTES))));
  }

  private HttpResponse failed(Throwable failure) {
    Trailers trailers = handled(failure);
    return GrpcResponseHelpers.status(
        trailers, GrpcProtocolNative$.MODULE$.newWriter(Identity$.MODULE$));
  }

  private Trailers handled(Throwable failure) {
    try {
      return errors().apply(system.classicSystem()).apply(failure);
    } catch (Exception e) {
      throw new IllegalStateException("no trailers of a failure", e);
    }
  }

  /** Ends every connection, cancelling the calls under way. */
  @Override
  public void close() {
    all.shutdown();
  }
}
