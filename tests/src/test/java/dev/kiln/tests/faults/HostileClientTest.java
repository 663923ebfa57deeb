package dev.kiln.tests.faults;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.kiln.grpc.control.BuildHistoryRequest;
import dev.kiln.grpc.control.BytesMessage;
import dev.kiln.grpc.control.SolveRequest;
import dev.kiln.grpc.control.SolveResponse;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.pb.ExecOp;
import dev.kiln.grpc.pb.Meta;
import dev.kiln.grpc.pb.Mount;
import dev.kiln.grpc.pb.MountType;
import dev.kiln.grpc.pb.Op;
import dev.kiln.grpc.pb.SecretOpt;
import dev.kiln.grpc.raw.RawConnection;
import dev.kiln.tests.support.Clients;
import dev.kiln.tests.support.Distribution;
import dev.kiln.tests.support.HostileSession;
import dev.kiln.tests.support.HostileSession.Misbehaviour;
import dev.kiln.tests.support.Neighbour;
import dev.kiln.tests.support.NothingIsLeft;
import dev.kiln.tests.support.Solves;
import dev.kiln.tests.support.WireClient;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Map;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whatever one client does, a build beside it is built, and nothing of it is left afterwards. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(120)
class HostileClientTest {
  private static final int ENHANCE_YOUR_CALM = 11;
  private static final int LARGER_THAN_ANY = 17 << 20;

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  static Path dir;

  @RegisterExtension final NothingIsLeft watch = new NothingIsLeft();

  private Distribution daemon;
  private Neighbour neighbour;

  @BeforeAll
  void start() throws Exception {
    daemon = watch.start(dir);
    neighbour = Neighbour.of(daemon, dir.resolve("context"));
    neighbour.builds();
  }

  @AfterAll
  void stop() throws Exception {
    daemon.closeClean();
  }

  private static SolveRequest context(HostileSession session) {
    return Solves.request(session.id(), Solves.source("local://context", Map.of())).build();
  }

  /** A step that wants a secret; without one it cannot begin. */
  private static Op wantsSecret() {
    return Op.newBuilder()
        .setExec(
            ExecOp.newBuilder()
                .setMeta(Meta.newBuilder().addArgs("/true").setCwd("/"))
                .addMounts(Mount.newBuilder().setInput(-1).setOutput(0).setDest("/"))
                .addMounts(
                    Mount.newBuilder()
                        .setInput(-1)
                        .setOutput(-1)
                        .setDest("/secret")
                        .setMountType(MountType.SECRET)
                        .setSecretOpt(SecretOpt.newBuilder().setID("s"))))
        .build();
  }

  @ParameterizedTest
  @EnumSource
  void aSessionThatLiesHarmsItsOwnBuildOnly(Misbehaviour misbehaviour) throws Exception {
    try (var client = new WireClient(daemon);
        var session = new HostileSession(client.channel(), misbehaviour)) {
      Future<SolveResponse> build =
          Solves.begin(
              client,
              misbehaviour == Misbehaviour.HUGE_SECRET
                  ? Solves.request(session.id(), wantsSecret()).build()
                  : context(session));
      switch (misbehaviour) {
        case SILENCE, FILES_WITHOUT_END, FILES_THAT_STALL -> {
          neighbour.builds();
          assertThat(build.isDone()).as("it takes what it takes").isFalse();
          build.cancel(true);
        }
        default -> {
          Status told = Solves.end(build);
          assertThat(told.getCode())
              .as("%s", told)
              .isNotIn(Status.Code.OK, Status.Code.INTERNAL, Status.Code.DEADLINE_EXCEEDED);
          assertThat(told.getDescription()).isNotBlank();
          neighbour.builds();
        }
      }
    }
  }

  @Test
  void aClientThatVanishesInABuildTakesItAlong() throws Exception {
    for (Misbehaviour each :
        new Misbehaviour[] {
          Misbehaviour.SILENCE, Misbehaviour.FILES_WITHOUT_END, Misbehaviour.FILES_THAT_STALL
        }) {
      var client = new WireClient(daemon);
      var session = new HostileSession(client.channel(), each);
      var _ = Solves.begin(client, context(session));
      Clients.eventually(
          Duration.ofSeconds(10),
          () -> watch.now().leases() > watch.before().leases(),
          () -> "no build begins");
      client.close(); // the session's bytes go with the connection
      session.close();
      neighbour.builds();
    }
  }

  @Test
  void aMessageOverTheLimitIsRefusedByItsCode() throws Exception {
    try (var client = new WireClient(daemon)) {
      SolveRequest huge =
          SolveRequest.newBuilder()
              .setDefinition(
                  Definition.newBuilder().addDef(ByteString.copyFrom(new byte[LARGER_THAN_ANY])))
              .build();
      assertThat(Solves.end(Solves.begin(client, huge)).getCode())
          .isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
      neighbour.builds();
    }
  }

  @Test
  void pingsWithoutEndEndTheConnection() throws Exception {
    try (var connection = new RawConnection(daemon.socket()).greet()) {
      int sent = 0;
      try {
        while (sent < 500_000) {
          connection.frame(RawConnection.PING, 0, 0, new byte[8]);
          sent++;
        }
        connection.flush();
        assertThat(connection.farewell()).isEqualTo(ENHANCE_YOUR_CALM);
      } catch (IOException gone) {
        assertThat(sent).as("pings that were taken").isLessThan(500_000);
      }
      neighbour.builds();
    }
  }

  @Test
  void messagesThatNeverEndAreBoundedByConnection() throws Exception {
    byte[] longest = {0, 0, -1, -1, -1}; // gRPC's prefix of 16 MiB
    try (var connection = new RawConnection(daemon.socket()).greet()) {
      for (int call = 0; call < 64; call++) {
        int stream = 2 * call + 1;
        connection.call(stream, "/moby.buildkit.v1.Control/Solve");
        connection.data(stream, longest);
        for (int sent = 0; sent < 3 << 20; sent += 1 << 14) {
          connection.data(stream, new byte[1 << 14]);
        }
      }
      assertThat(connection.answered(10)).as("those that came first").doesNotContain(1, 3, 5);
      neighbour.builds();
    }
  }

  @Test
  void connectionsThatNeverBeginHoldNobodyUp() throws Exception {
    var all = new ArrayList<RawConnection>();
    try {
      for (int i = 0; i < 100; i++) {
        all.add(new RawConnection(daemon.socket()));
        all.getLast().begin();
      }
      neighbour.builds();
    } finally {
      for (RawConnection each : all) {
        each.close();
      }
    }
  }

  @Test
  void aBurstOfConnectionsIsAcceptedAtOnce() throws Exception {
    var all = new ArrayList<SocketChannel>();
    try {
      long begun = System.nanoTime();
      for (int i = 0; i < 2000; i++) {
        all.add(SocketChannel.open(daemon.socket())); // waits where the queue is full
      }
      assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(10));
      neighbour.builds();
    } finally {
      for (SocketChannel each : all) {
        each.close();
      }
    }
  }

  @Test
  void streamsThatNobodyReadsAndTunnelsThatSayNothingCostTheirClientOnly() throws Exception {
    try (var client = new WireClient(daemon)) {
      BytesMessage bytes = BytesMessage.getDefaultInstance();
      BuildHistoryRequest history = BuildHistoryRequest.getDefaultInstance();
      for (int i = 0; i < 200; i++) {
        open(client, "ListenBuildHistory", history, history);
        var headers = new Metadata();
        headers.put(
            Metadata.Key.of("x-docker-expose-session-uuid", Metadata.ASCII_STRING_MARSHALLER),
            "silent-" + i);
        open(client, "Session", bytes, null, headers);
      }
      neighbour.builds();
    }
  }

  private static <Q extends com.google.protobuf.Message> void open(
      WireClient client, String method, Q empty, Q request) {
    open(client, method, empty, request, new Metadata());
  }

  /** A call whose answers are never asked for. */
  private static <Q extends com.google.protobuf.Message> void open(
      WireClient client,
      String method,
      Q empty,
      @org.jspecify.annotations.Nullable Q request,
      Metadata headers) {
    ClientCall<Q, Q> call =
        client
            .channel()
            .newCall(
                MethodDescriptor.<Q, Q>newBuilder()
                    .setType(
                        request == null
                            ? MethodDescriptor.MethodType.BIDI_STREAMING
                            : MethodDescriptor.MethodType.SERVER_STREAMING)
                    .setFullMethodName("moby.buildkit.v1.Control/" + method)
                    .setRequestMarshaller(ProtoUtils.marshaller(empty))
                    .setResponseMarshaller(ProtoUtils.marshaller(empty))
                    .build(),
                CallOptions.DEFAULT);
    call.start(new ClientCall.Listener<>() {}, headers);
    if (request != null) {
      call.sendMessage(request);
      call.halfClose();
    }
  }

  @Test
  void whatIsNoMessageIsRefused() throws Exception {
    try (var client = new WireClient(daemon)) {
      var build =
          ClientCalls.futureUnaryCall(
              client
                  .channel()
                  .newCall(
                      MethodDescriptor.<BytesMessage, SolveResponse>newBuilder()
                          .setType(MethodDescriptor.MethodType.UNARY)
                          .setFullMethodName("moby.buildkit.v1.Control/Solve")
                          .setRequestMarshaller(
                              ProtoUtils.marshaller(BytesMessage.getDefaultInstance()))
                          .setResponseMarshaller(
                              ProtoUtils.marshaller(SolveResponse.getDefaultInstance()))
                          .build(),
                      CallOptions.DEFAULT),
              BytesMessage.newBuilder()
                  .setData(ByteString.copyFrom(new byte[] {-1, -1, -1})) // as a ref: no UTF-8
                  .build());
      assertThat(Solves.end(build)).isNotEqualTo(Status.OK);
      neighbour.builds();
    }
  }
}
