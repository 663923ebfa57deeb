package dev.kiln.grpc.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.Behaviors;
import akka.stream.SystemMaterializer;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.kiln.grpc.GrpcErrors;
import dev.kiln.grpc.content.Content;
import dev.kiln.grpc.control.BytesMessage;
import dev.kiln.grpc.control.DiskUsageRequest;
import dev.kiln.grpc.control.DiskUsageResponse;
import dev.kiln.grpc.control.InfoRequest;
import dev.kiln.grpc.control.InfoResponse;
import dev.kiln.grpc.control.ListWorkersRequest;
import dev.kiln.grpc.control.ListWorkersResponse;
import dev.kiln.grpc.control.PruneRequest;
import dev.kiln.grpc.control.SolveRequest;
import dev.kiln.grpc.control.SolveResponse;
import dev.kiln.grpc.control.StatusRequest;
import dev.kiln.grpc.control.StatusResponse;
import dev.kiln.grpc.control.UpdateBuildHistoryRequest;
import dev.kiln.grpc.control.UpdateBuildHistoryResponse;
import dev.kiln.grpc.control.UsageRecord;
import dev.kiln.grpc.services.ControlMethods;
import dev.kiln.grpc.tunnel.BytePipe;
import dev.kiln.grpc.tunnel.TunnelAddress;
import dev.kiln.grpc.tunnel.TunnelCall;
import dev.kiln.grpc.tunnel.TunnelChannel;
import dev.kiln.model.Detail;
import dev.kiln.model.Kind;
import dev.kiln.tracing.Blocking;
import dev.kiln.tracing.Tracing;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The transport against grpc-java's own client. */
class GrpcServerTest {
  private static ActorSystem<Void> system;
  private static EventLoopGroup loops;

  private final Tracing tracing = Tracing.start(Map.of());
  private FakeControl control;
  private GrpcServer server;
  private ManagedChannel channel;

  @BeforeAll
  static void startSystem() {
    system = ActorSystem.create(Behaviors.empty(), "grpc-server-test");
    loops = new MultiThreadIoEventLoopGroup(2, NioIoHandler.newFactory());
  }

  @AfterAll
  static void stopSystem() {
    system.terminate();
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }

  @BeforeEach
  void serve() throws IOException {
    control = new FakeControl(SystemMaterializer.get(system).materializer());
    server =
        GrpcServer.builder(system, loops)
            .tracer(tracing.tracer())
            .add(
                ControlMethods.of(
                    control,
                    (in, metadata) -> control.status(in, metadata).map(StatusResponse::toByteArray),
                    (_, pipe, _) -> serveAgain(pipe)))
            .add(
                new Service(
                    Content.description,
                    methods ->
                        methods
                            .duplex(
                                "Write",
                                BytesMessage.getDefaultInstance(),
                                BytesMessage.getDefaultInstance(),
                                control::session)
                            .duplex(
                                "Refuse",
                                BytesMessage.getDefaultInstance(),
                                BytesMessage.getDefaultInstance(),
                                control::refuse)))
            .build();
    ServerSocketChannel socket =
        ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    server.listen(socket, Optional.empty());
    var address = (InetSocketAddress) socket.getLocalAddress();
    channel =
        NettyChannelBuilder.forAddress(address)
            .usePlaintext()
            .maxInboundMessageSize(64 << 20)
            .build();
  }

  /** What comes through a tunnel is served as if it came from a socket. */
  private void serveAgain(BytePipe pipe) {
    Blocking.start(
        "serve-again",
        () -> {
          server.serve(pipe);
          return true;
        });
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    server.close();
    tracing.close();
  }

  private static <A extends Message, B extends Message> MethodDescriptor<A, B> method(
      String name, MethodType type, A request, B response) {
    return MethodDescriptor.<A, B>newBuilder()
        .setType(type)
        .setFullMethodName(name.contains("/") ? name : "moby.buildkit.v1.Control/" + name)
        .setRequestMarshaller(ProtoUtils.marshaller(request))
        .setResponseMarshaller(ProtoUtils.marshaller(response))
        .build();
  }

  private <A extends Message, B extends Message> B unary(String name, A request, B response) {
    return ClientCalls.blockingUnaryCall(
        channel, method(name, MethodType.UNARY, request, response), CallOptions.DEFAULT, request);
  }

  @Test
  void answersUnaryCalls() {
    InfoResponse answer =
        unary("Info", InfoRequest.getDefaultInstance(), InfoResponse.getDefaultInstance());
    assertThat(answer).isEqualTo(InfoResponse.getDefaultInstance());
  }

  @Test
  void streamsAnswersWithResponseMetadata() {
    var headers = new AtomicReference<Metadata>();
    var trailers = new AtomicReference<Metadata>();
    var request = StatusRequest.getDefaultInstance();
    var answers = new ArrayList<StatusResponse>();
    ClientCalls.blockingServerStreamingCall(
            io.grpc.ClientInterceptors.intercept(
                channel, MetadataUtils.newCaptureMetadataInterceptor(headers, trailers)),
            method(
                "Status",
                MethodType.SERVER_STREAMING,
                request,
                StatusResponse.getDefaultInstance()),
            CallOptions.DEFAULT,
            request)
        .forEachRemaining(answers::add);
    assertThat(answers)
        .extracting(a -> a.getVertexes(0).getName())
        .containsExactly("v1", "v2", "v3");
    assertThat(
            java.util.Objects.requireNonNull(headers.get())
                .get(
                    Metadata.Key.of(
                        "buildkit-current-timestamp", Metadata.ASCII_STRING_MARSHALLER)))
        .isEqualTo("now");
    assertThat(
            java.util.Objects.requireNonNull(headers.get())
                .get(Metadata.Key.of("grpc-encoding", Metadata.ASCII_STRING_MARSHALLER)))
        .as("compression")
        .isIn(null, "identity");
  }

  @Test
  void aCallIsASpanBelowItsCallersSpan() {
    String trace = "0af7651916cd43dd8448eb211c80319c";
    var headers = new Metadata();
    headers.put(
        Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER),
        "00-" + trace + "-b7ad6b7169203331-01");
    try (var recording = tracing.builds().record(trace)) {
      var request = InfoRequest.getDefaultInstance();
      ClientCalls.blockingUnaryCall(
          io.grpc.ClientInterceptors.intercept(
              channel, MetadataUtils.newAttachHeadersInterceptor(headers)),
          method("Info", MethodType.UNARY, request, InfoResponse.getDefaultInstance()),
          CallOptions.DEFAULT,
          request);
      unary("Info", request, InfoResponse.getDefaultInstance()); // untraced, so without a span
      ActorTestKit kit = ActorTestKit.create(system);
      SpanData span =
          kit.createTestProbe()
              .awaitAssert(() -> {
                assertThat(recording.spans()).hasSize(1);
                return recording.spans().getFirst();
              });
      assertThat(span.getName()).isEqualTo("moby.buildkit.v1.Control/Info");
      assertThat(span.getKind()).isEqualTo(SpanKind.SERVER);
      assertThat(span.getParentSpanId()).isEqualTo("b7ad6b7169203331");
    }
  }

  @Test
  void unknownMethodsAndServicesAreUnimplementedInTrailers() {
    for (String name :
        List.of("Nothing", "no.such.Service/Do", "moby.buildkit.v1.Control/Solve/More")) {
      assertThatThrownBy(() ->
              unary(name, InfoRequest.getDefaultInstance(), InfoResponse.getDefaultInstance()))
          .isInstanceOfSatisfying(
              StatusRuntimeException.class,
              e ->
                  assertThat(e.getStatus().getCode())
                      .as(name + e.getStatus() + e.getStatus().getCause())
                      .isEqualTo(Code.UNIMPLEMENTED));
    }
    assertThatThrownBy(() ->
            unary("Nothing", InfoRequest.getDefaultInstance(), InfoResponse.getDefaultInstance()))
        .hasMessageContaining("unknown method Nothing for service moby.buildkit.v1.Control");
  }

  @Test
  void failuresKeepKindMessageAndDetails() {
    assertThatThrownBy(() ->
            unary(
                "ListWorkers",
                ListWorkersRequest.getDefaultInstance(),
                ListWorkersResponse.getDefaultInstance()))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getCode()).isEqualTo(Code.UNAVAILABLE);
              assertThat(e.getStatus().getDescription()).isEqualTo("no workers");
            });
    var request = PruneRequest.getDefaultInstance();
    var answers =
        ClientCalls.blockingServerStreamingCall(
            channel,
            method("Prune", MethodType.SERVER_STREAMING, request, UsageRecord.getDefaultInstance()),
            CallOptions.DEFAULT,
            request);
    assertThatThrownBy(answers::next)
        .satisfies(e -> {
          var failure = GrpcErrors.toBuild(e);
          assertThat(failure.kind()).isEqualTo(Kind.NOT_FOUND);
          assertThat(failure.details()).contains(new Detail.ProcessExited(3));
        });
  }

  @Test
  void aBugInAHandlerIsInternal() {
    assertThatThrownBy(() ->
            unary(
                "UpdateBuildHistory",
                UpdateBuildHistoryRequest.getDefaultInstance(),
                UpdateBuildHistoryResponse.getDefaultInstance()))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Code.INTERNAL));
  }

  @Test
  void messagesUpToTheLimitPassAndLargerOnesAreRefused() {
    DiskUsageResponse answer =
        unary(
            "DiskUsage",
            DiskUsageRequest.newBuilder().addFilter("x".repeat(15 << 20)).build(),
            DiskUsageResponse.getDefaultInstance());
    assertThat(answer.getRecord(0).getSize()).isGreaterThan(15 << 20);
    assertThatThrownBy(() ->
            unary(
                "DiskUsage",
                DiskUsageRequest.newBuilder().addFilter("x".repeat(17 << 20)).build(),
                DiskUsageResponse.getDefaultInstance()))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Code.RESOURCE_EXHAUSTED));
  }

  @Test
  void answersUpToTheLimitPassAndLargerOnesAreRefused() {
    var request = DiskUsageRequest.newBuilder().addFilter("");
    DiskUsageResponse answer =
        unary(
            "DiskUsage",
            request.clone().addFilter("" + (15 << 20)).build(),
            DiskUsageResponse.getDefaultInstance());
    assertThat(answer.getRecord(0).getDescription()).hasSize(15 << 20);
    assertThatThrownBy(() ->
            unary(
                "DiskUsage",
                request.clone().addFilter("" + (24 << 20)).build(),
                DiskUsageResponse.getDefaultInstance()))
        .isInstanceOfSatisfying(StatusRuntimeException.class, GrpcServerTest::isTooLargeToSend);
  }

  @Test
  void aStreamEndsAtAMessageThatIsTooLarge() {
    var request = StatusRequest.newBuilder().setRef("" + (12 << 20)).build(); // the third: 24 MiB
    var answers =
        ClientCalls.blockingServerStreamingCall(
            channel,
            method(
                "Status",
                MethodType.SERVER_STREAMING,
                StatusRequest.getDefaultInstance(),
                StatusResponse.getDefaultInstance()),
            CallOptions.DEFAULT,
            request);
    assertThat(answers.next().getVertexes(0).getName()).isEqualTo("v1");
    assertThat(answers.next().getVertexes(0).getName()).isEqualTo("v2");
    assertThatThrownBy(answers::next)
        .isInstanceOfSatisfying(StatusRuntimeException.class, GrpcServerTest::isTooLargeToSend);
  }

  private static void isTooLargeToSend(StatusRuntimeException e) {
    assertThat(e.getStatus().getCode()).isEqualTo(Code.RESOURCE_EXHAUSTED);
    assertThat(e.getStatus().getDescription()).contains("trying to send message larger than max");
  }

  @Test
  void aCanceledUnaryCallInterruptsItsHandler() throws InterruptedException {
    ClientCall<SolveRequest, SolveResponse> call = startSolve();
    assertThat(control.solveStarted.await(10, TimeUnit.SECONDS)).isTrue();
    call.cancel("enough", null);
    assertThat(control.solveCanceled.await(10, TimeUnit.SECONDS)).isTrue();
    assertThat(control.solveInterrupted.await(10, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void aDeadConnectionCancelsItsUnaryCalls() throws InterruptedException {
    startSolve();
    assertThat(control.solveStarted.await(10, TimeUnit.SECONDS)).isTrue();
    channel.shutdownNow();
    assertThat(control.solveInterrupted.await(10, TimeUnit.SECONDS)).isTrue();
  }

  private ClientCall<SolveRequest, SolveResponse> startSolve() {
    ClientCall<SolveRequest, SolveResponse> call =
        channel.newCall(
            method(
                "Solve",
                MethodType.UNARY,
                SolveRequest.getDefaultInstance(),
                SolveResponse.getDefaultInstance()),
            CallOptions.DEFAULT);
    call.start(new ClientCall.Listener<>() {}, new Metadata());
    call.sendMessage(SolveRequest.getDefaultInstance());
    call.halfClose();
    call.request(1);
    return call;
  }

  private ClientCall<BytesMessage, BytesMessage> startUpload() {
    return startUpload("Write");
  }

  private ClientCall<BytesMessage, BytesMessage> startUpload(String name) {
    ClientCall<BytesMessage, BytesMessage> call =
        channel.newCall(
            method(
                "containerd.services.content.v1.Content/" + name,
                MethodType.BIDI_STREAMING,
                BytesMessage.getDefaultInstance(),
                BytesMessage.getDefaultInstance()),
            CallOptions.DEFAULT);
    call.start(new ClientCall.Listener<>() {}, new Metadata());
    call.request(1);
    return call;
  }

  @Test
  void aFinishedUploadIsSeenWhole() throws Exception {
    ClientCall<BytesMessage, BytesMessage> call = startUpload();
    ByteString mebibyte = ByteString.copyFrom(new byte[1 << 20]);
    for (int i = 0; i < 32; i++) {
      call.sendMessage(BytesMessage.newBuilder().setData(mebibyte).build());
    }
    call.halfClose();
    assertThat(control.sessionBytes.get(30, TimeUnit.SECONDS)).isEqualTo(32L << 20);
  }

  @Test
  void anUploadWhoseClientDiesFails() throws Exception {
    ClientCall<BytesMessage, BytesMessage> call = startUpload();
    call.sendMessage(BytesMessage.newBuilder().setData(ByteString.copyFrom(new byte[100])).build());
    assertThat(control.sessionStarted.await(10, TimeUnit.SECONDS)).isTrue();
    channel.shutdownNow();
    assertThat(control.sessionBytes)
        .failsWithin(Duration.ofSeconds(10))
        .withThrowableOfType(ExecutionException.class);
  }

  @Test
  void theRequestsOfACallThatIsAnsweredEnd() {
    ClientCall<BytesMessage, BytesMessage> call = startUpload("Refuse");
    call.sendMessage(BytesMessage.getDefaultInstance()); // and more might come
    assertThat(control.refusedRequestsFailed)
        .succeedsWithin(Duration.ofSeconds(10))
        .isEqualTo(true);
  }

  @Test
  void aTunnelCarriesAConnection() {
    var call =
        TunnelCall.open(
            channel,
            method(
                "Session",
                MethodType.BIDI_STREAMING,
                BytesMessage.getDefaultInstance(),
                BytesMessage.getDefaultInstance()),
            new Metadata());
    var address = new TunnelAddress("test");
    ManagedChannel within =
        NettyChannelBuilder.forAddress(address)
            .channelFactory(() -> new TunnelChannel(call.pipe(), address))
            .eventLoopGroup(loops)
            .usePlaintext()
            .maxInboundMessageSize(64 << 20)
            .build();
    try {
      var request = DiskUsageRequest.newBuilder().addFilter("").addFilter("" + (15 << 20)).build();
      DiskUsageResponse answer =
          ClientCalls.blockingUnaryCall(
              within,
              method(
                  "DiskUsage", MethodType.UNARY, request, DiskUsageResponse.getDefaultInstance()),
              CallOptions.DEFAULT,
              request);
      assertThat(answer.getRecord(0).getDescription()).hasSize(15 << 20);
    } finally {
      within.shutdownNow();
    }
    assertThat(call.done()).as("the tunnel's call").succeedsWithin(Duration.ofSeconds(10));
  }

  @Test
  void gzipIsAcceptedAndAnswersAreNotCompressed() {
    var request = DiskUsageRequest.newBuilder().addFilter("x".repeat(10_000)).build();
    var headers = new AtomicReference<Metadata>();
    DiskUsageResponse answer =
        ClientCalls.blockingUnaryCall(
            io.grpc.ClientInterceptors.intercept(
                channel,
                MetadataUtils.newCaptureMetadataInterceptor(headers, new AtomicReference<>())),
            method("DiskUsage", MethodType.UNARY, request, DiskUsageResponse.getDefaultInstance()),
            CallOptions.DEFAULT.withCompression("gzip"),
            request);
    assertThat(answer.getRecord(0).getSize()).isEqualTo(request.getSerializedSize());
    assertThat(
            java.util.Objects.requireNonNull(headers.get())
                .get(Metadata.Key.of("grpc-encoding", Metadata.ASCII_STRING_MARSHALLER)))
        .isIn(null, "identity");
  }
}
