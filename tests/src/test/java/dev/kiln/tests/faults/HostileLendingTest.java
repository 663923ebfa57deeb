package dev.kiln.tests.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.grpc.control.Exporter;
import dev.kiln.grpc.control.SolveRequest;
import dev.kiln.grpc.control.SolveResponse;
import dev.kiln.grpc.control.StatusRequest;
import dev.kiln.grpc.control.StatusResponse;
import dev.kiln.grpc.pb.Op;
import dev.kiln.registry.hostile.Fault;
import dev.kiln.registry.hostile.HostileRegistry;
import dev.kiln.session.FileSend;
import dev.kiln.tests.support.Clients;
import dev.kiln.tests.support.Distribution;
import dev.kiln.tests.support.HostileAuth;
import dev.kiln.tests.support.HostileAuth.Silence;
import dev.kiln.tests.support.HostileContent;
import dev.kiln.tests.support.HostileContent.Lie;
import dev.kiln.tests.support.HostileContent.Part;
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
import io.grpc.Status.Code;
import io.grpc.protobuf.ProtoUtils;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whatever a client lends its build, or does with what comes of it: the build ends in words, a
 * build beside it is built, and nothing is left.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(120)
class HostileLendingTest {
  private static final int WATCHERS = 200;

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

  /** A build that needs all of an image that the session lends. */
  private static SolveRequest below(HostileContent image, HostileSession session) {
    Op source =
        Solves.source(
            image.identifier(), Map.of("oci.session", session.id(), "oci.store", "image"));
    return Solves.request(session.id(), source, Solves.file("/made", "made", source)).build();
  }

  @ParameterizedTest
  @EnumSource
  void aStoreThatLiesIsFoundOut(Lie lie) throws Exception {
    var all = new SoftAssertions();
    try (var client = new WireClient(daemon)) {
      for (Part part : Part.values()) {
        var image = new HostileContent(lie, part, lie.ordinal() * 10L + part.ordinal());
        try (var session = new HostileSession(client.channel(), image.service())) {
          Future<SolveResponse> build = Solves.begin(client, below(image, session));
          switch (lie) {
            case NONE, IMPOSSIBLE_SIZE -> // what counts is the digest
                all.assertThat(Solves.end(build)).as("%s", part).isEqualTo(Status.OK);
            case STALLED, EMPTY_PARTS -> {
              neighbour.builds();
              all.assertThat(build.isDone()).as("%s: it takes what it takes", part).isFalse();
              build.cancel(true);
            }
            default -> {
              Status told = Solves.end(build);
              all.assertThat(told.getCode())
                  .as("%s: %s", part, told)
                  .isNotIn(Code.OK, Code.INTERNAL, Code.DEADLINE_EXCEEDED, Code.CANCELLED);
              all.assertThat(told.getDescription()).isNotBlank();
            }
          }
        }
      }
    }
    all.assertAll();
    neighbour.builds();
  }

  @ParameterizedTest
  @EnumSource(names = "NONE", mode = EnumSource.Mode.EXCLUDE)
  void aClientThatNeverShowsItsCredentialsHoldsUpItselfOnly(Silence silence) throws Exception {
    try (var registry = HostileRegistry.harmless();
        var client = new WireClient(daemon)) {
      var honest = new HostileAuth(Silence.NONE);
      var silent = new HostileAuth(silence);
      try (var first = new HostileSession(client.channel(), honest.service());
          var second = new HostileSession(client.channel(), silent.service())) {
        Status before = Solves.end(Solves.begin(client, pulls(first, registry, "local")));
        Future<SolveResponse> build = Solves.begin(client, pulls(second, registry, "pull"));
        assertThat(silent.asked().await(30, TimeUnit.SECONDS)).as("it is asked").isTrue();
        assertThat(Solves.end(Solves.begin(client, pulls(first, registry, "local"))))
            .as("the same registry, for another client")
            .hasToString(before.toString());
        neighbour.builds();
        assertThat(build.isDone()).as("it takes what it takes").isFalse();
        build.cancel(true);
      }
    }
  }

  /**
   * @param mode makes another vertex, which is not shared
   */
  private static SolveRequest pulls(HostileSession session, HostileRegistry from, String mode) {
    Op image =
        Solves.source(
            "docker-image://" + from.host() + "/a/b:v1", Map.of("image.resolvemode", mode));
    return Solves.request(session.id(), image).build();
  }

  private static SolveRequest exports(String session, String type, Map<String, String> attributes) {
    return Solves.request(session, Solves.file("/f", UUID.randomUUID() + "x".repeat(1 << 20)))
        .addExporters(Exporter.newBuilder().setType(type).putAllAttrs(attributes))
        .build();
  }

  @ParameterizedTest
  @ValueSource(strings = {"local", "oci"})
  void aClientThatVanishesWhileItTakesTheResult(String type) throws Exception {
    var taking = new CountDownLatch(1);
    var client = new WireClient(daemon);
    var session =
        new HostileSession(
            client.channel(),
            HostileSession.service(
                FileSend.METHOD.split("/", 2)[0],
                Map.of(
                    "DiffCopy",
                    (_, call) -> {
                      var _ = call.receive();
                      taking.countDown();
                      Thread.sleep(Long.MAX_VALUE); // the rest is never read
                    })));
    var _ = Solves.begin(client, exports(session.id(), type, Map.of()));
    assertThat(taking.await(30, TimeUnit.SECONDS)).as("the result comes").isTrue();
    neighbour.builds();
    client.close();
    session.close();
    neighbour.builds();
  }

  @ParameterizedTest
  @CsvSource({"UPLOAD, /uploads/", "MANIFEST_PUT, /manifests/"})
  void aClientThatVanishesWhileItsImageIsPushed(HostileRegistry.Stage stage, String path)
      throws Exception {
    try (var registry = HostileRegistry.start(stage, Fault.SILENCE)) {
      var client = new WireClient(daemon);
      var name = registry.host() + "/a/new:v1";
      var _ = Solves.begin(client, exports("", "image", Map.of("name", name, "push", "true")));
      Clients.eventually(
          Duration.ofSeconds(30),
          () ->
              registry.server().requests().stream()
                  .anyMatch(r -> r.method().equals("PUT") && r.path().contains(path)),
          () -> registry.server().requests());
      neighbour.builds();
      client.close();
      neighbour.builds();
    }
  }

  @Test
  void watchersThatVanishOrReadNothingHoldNothing() throws Exception {
    try (var client = new WireClient(daemon);
        var session = new HostileSession(client.channel(), Misbehaviour.SILENCE)) {
      SolveRequest request =
          Solves.request(session.id(), Solves.source("local://context", Map.of())).build();
      Future<SolveResponse> build = Solves.begin(client, request);
      var watcher = new WireClient(daemon);
      for (int i = 0; i < WATCHERS; i++) {
        watch(watcher, request.getRef());
        watch(client, request.getRef());
        watch(watcher, "nobody's " + i);
      }
      neighbour.builds();
      watcher.close();
      neighbour.builds();
      assertThat(build.isDone()).as("it goes on without its watchers").isFalse();
      build.cancel(true);
    }
  }

  /** A watcher whose messages are never asked for. */
  private static void watch(WireClient client, String ref) {
    ClientCall<StatusRequest, StatusResponse> call =
        client
            .channel()
            .newCall(
                MethodDescriptor.<StatusRequest, StatusResponse>newBuilder()
                    .setType(MethodDescriptor.MethodType.SERVER_STREAMING)
                    .setFullMethodName("moby.buildkit.v1.Control/Status")
                    .setRequestMarshaller(ProtoUtils.marshaller(StatusRequest.getDefaultInstance()))
                    .setResponseMarshaller(
                        ProtoUtils.marshaller(StatusResponse.getDefaultInstance()))
                    .build(),
                CallOptions.DEFAULT);
    call.start(new ClientCall.Listener<>() {}, new Metadata());
    call.sendMessage(StatusRequest.newBuilder().setRef(ref).build());
    call.halfClose();
  }
}
