package dev.kiln.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Kind;
import dev.kiln.model.MediaTypes;
import dev.kiln.registry.hostile.HostileServer;
import dev.kiln.registry.real.SelfSigned;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who is let in, what is shown to whom, and what a refusal means. */
@Timeout(30)
class AccessTest {
  private static final int AT_ONCE = 4;
  private final List<String> log = new ArrayList<>();
  private final Client client = new Client("s1", "u", "p");
  @TempDir Path folder;
  private FakeRegistry server;
  private Registry registry;

  @BeforeEach
  void start() throws IOException {
    server = new FakeRegistry();
    registry = new Registry(RegistryHosts.DEFAULT, "test", new Retries(_ -> {}));
  }

  @AfterEach
  void stop() {
    registry.close();
    server.close();
  }

  private ImageRef ref(String name) {
    return ImageRef.parse(server.host() + "/" + name);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static Descriptor blob(String text) {
    return new Descriptor(MediaTypes.OCI_LAYER, Digest.of(bytes(text)), bytes(text).length);
  }

  private static Push.Outcome send(Push push, String text) {
    return push.blob(
        blob(text), Optional.empty(), () -> new ByteArrayInputStream(bytes(text)), _ -> {});
  }

  private static void sendAtOnce(Push push, String name) throws Exception {
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var all = new ArrayList<Future<Push.Outcome>>();
      for (int i = 0; i < AT_ONCE; i++) {
        String text = name + i;
        all.add(threads.submit(() -> send(push, text)));
      }
      for (Future<Push.Outcome> one : all) {
        assertThat(one.get()).isEqualTo(Push.Outcome.SENT);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"basic", "tokens"})
  void aRefusalOfARequestWithoutCredentialsIsNoRefusalOfThem(String auth) throws Exception {
    server.auth = auth;
    server.unauthorized = new CountDownLatch(AT_ONCE);
    sendAtOnce(registry.push(ref("a/new:v1"), false, client), "layer");
    assertThat(server.blobs).hasSize(AT_ONCE);
    assertThat(server.tokensIssued.get()).isEqualTo(auth.equals("basic") ? 0 : 1);
  }

  @Test
  void aTokenThatIsRefusedInTheMiddleOfAPushIsRenewedOnce() throws Exception {
    server.auth = "tokens";
    Push push = registry.push(ref("a/new:v1"), false, client);
    sendAtOnce(push, "one");
    int before = server.tokensIssued.get();
    server.tokens.clear(); // as if it had expired, by the registry's clock
    sendAtOnce(push, "two");
    byte[] manifest = bytes("{\"config\":{}}");
    server.tokens.clear();
    push.manifest(
        new Descriptor(MediaTypes.OCI_MANIFEST, Digest.of(manifest), manifest.length),
        manifest,
        Optional.of("v1"),
        log::add);
    assertThat(server.tokensIssued.get()).isEqualTo(before + 2);
    assertThat(server.blobs).hasSize(2 * AT_ONCE);
  }

  @Test
  void aTokenThatEndsByItsOwnWordIsRenewedBefore() {
    server.auth = "tokens";
    var clock =
        new Object() {
          Duration ahead = Duration.ZERO;
        };
    Clock shifted =
        new Clock() {
          @Override
          public java.time.ZoneId getZone() {
            return java.time.ZoneOffset.UTC;
          }

          @Override
          public Clock withZone(java.time.ZoneId zone) {
            return this;
          }

          @Override
          public java.time.Instant instant() {
            return java.time.Instant.EPOCH.plus(clock.ahead);
          }
        };
    try (var timed =
        new Registry(
            RegistryHosts.DEFAULT, "test", new Retries(_ -> {}), Patience.USUAL, shifted)) {
      Push push = timed.push(ref("a/new:v1"), false, client);
      send(push, "one");
      clock.ahead = Duration.ofSeconds(290);
      int refused = count(server.authorizations, "none");
      send(push, "two");
      assertThat(server.tokensIssued).hasValue(2);
      assertThat(count(server.authorizations, "none")).isEqualTo(refused);
    }
  }

  private static int count(List<String> all, String one) {
    return (int) all.stream().filter(one::equals).count();
  }

  @Test
  void scopesThatARegistryAsksForLaterAreAdded() {
    server.auth = "tokens";
    Push push = registry.push(ref("a/new:v1"), false, client);
    send(push, "one");
    server.actions = "delete,pull,push";
    send(push, "two");
    assertThat(server.tokensIssued).hasValue(2);
    assertThat(server.lastScope).contains("repository:a/new:delete,pull,push");
  }

  @ParameterizedTest
  @ValueSource(strings = {"token", "access_token"})
  void tokensComeUnderBothNames(String name) {
    server.auth = "tokens";
    server.tokenField = name;
    send(registry.push(ref("a/new:v1"), false, client), "one");
    assertThat(server.blobs).hasSize(1);
  }

  @Test
  void aRefreshTokenIsExchanged() {
    server.auth = "tokens";
    send(registry.push(ref("a/new:v1"), false, new Client("s1", "", "offline")), "one");
    assertThat(server.blobs).hasSize(1);
    assertThat(server.requests).contains("POST /token");
  }

  @ParameterizedTest
  @ValueSource(strings = {"basic", "tokens"})
  void wrongCredentialsAreToldAndNotTriedForEver(String auth) {
    server.auth = auth;
    Push push = registry.push(ref("a/new:v1"), false, new Client("s1", "u", "hunter2"));
    for (int i = 0; i < 2; i++) {
      server.requests.clear();
      assertThatThrownBy(() ->
              push.blob(
                  blob("one"),
                  Optional.empty(),
                  () -> new ByteArrayInputStream(bytes("one")),
                  log::add))
          .isInstanceOfSatisfying(
              BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.DENIED))
          .hasMessageContaining("401 Unauthorized")
          .hasMessageContaining(server.host())
          .hasMessageNotContaining("hunter2");
      assertThat(server.requests).hasSizeLessThanOrEqualTo(4);
    }
    assertThat(log).isEmpty();
  }

  @Test
  void whatWasTriedIsTold() {
    server.auth = "basic";
    assertThatThrownBy(() -> registry.resolve(ref("a/b:v1"), Credentials.ANONYMOUS, log::add))
        .hasMessageContaining("401 Unauthorized")
        .hasMessageEndingWith("(" + server.host() + ": no credentials were sent)");
    var wrong = new Client("s1", "joe", "hunter2");
    assertThatThrownBy(() -> registry.resolve(ref("a/b:v1"), wrong, log::add))
        .hasMessageEndingWith("(" + server.host() + ": the name and password of joe were sent)");
  }

  @Test
  void credentialsForAnotherHostAreNotShown() {
    server.auth = "basic";
    var other = new Client("s1", "u", "p", "other.example"::equals);
    assertThatThrownBy(() -> registry.resolve(ref("a/b:v1"), other, log::add))
        .hasMessageContaining("401 Unauthorized");
    assertThat(server.authorizations).containsOnly("none");
    assertThat(other.asked).containsOnly(server.host());
  }

  @Test
  void credentialsThatWereMendedAreTakenTheNextTime() {
    server.auth = "basic";
    server.addManifest("a/b", "v1", MediaTypes.OCI_MANIFEST, bytes("{\"config\":{}}"));
    var wrong = new Client("s1", "u", "wrong");
    assertThatThrownBy(() -> registry.resolve(ref("a/b:v1"), wrong, log::add))
        .isInstanceOf(BuildException.class);
    assertThat(registry.resolve(ref("a/b:v1"), client, log::add).mediaType())
        .isEqualTo(MediaTypes.OCI_MANIFEST);
  }

  @Test
  void aClientThatDoesNotAnswerKeepsNobodyElseWaiting() throws Exception {
    server.auth = "basic";
    server.addManifest("a/b", "v1", MediaTypes.OCI_MANIFEST, bytes("{\"config\":{}}"));
    var asked = new CountDownLatch(1);
    var silent =
        new Client(
            "s2",
            "u",
            "p",
            _ -> {
              asked.countDown();
              try {
                new CountDownLatch(1).await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
              return false;
            });
    Thread waiting =
        Thread.ofVirtual()
            .start(() ->
                assertThatThrownBy(() -> registry.resolve(ref("a/b:v1"), silent, _ -> {}))
                    .isInstanceOf(BuildException.class));
    asked.await();
    assertThat(registry.resolve(ref("a/b:v1"), client, log::add).mediaType())
        .isEqualTo(MediaTypes.OCI_MANIFEST);
    waiting.interrupt();
    waiting.join();
  }

  @Test
  void aMountThatNoTokenCoversIsAnUpload() {
    server.auth = "tokens";
    Push push = registry.push(ref("a/new:v1"), false, client);
    send(push, "one");
    server.failures.put("GET /token", List.of(403));
    assertThat(
            push.blob(
                blob("two"),
                Optional.of("other/base"),
                () -> new ByteArrayInputStream(bytes("two")),
                log::add))
        .isEqualTo(Push.Outcome.SENT);
  }

  @Test
  void aTokenServerThatFailsForAMomentIsAskedAgain() {
    server.auth = "tokens";
    server.failures.put("GET /token", List.of(500, 503));
    send(registry.push(ref("a/new:v1"), false, client), "one");
    assertThat(server.tokensIssued).hasValue(1);
  }

  private HostileServer overTls(HostileServer.Handler handler) throws Exception {
    return HostileServer.start(
        SelfSigned.make(folder, "EC").context().getServerSocketFactory(), handler);
  }

  private Registry trusting(HostileServer encrypted) {
    var host =
        new RegistryHosts.Host(
            List.of(), Optional.of(false), Optional.of(true), List.of(), List.of(), List.of());
    return new Registry(
        new RegistryHosts(Map.of(encrypted.host(), host)), "test", new Retries(_ -> {}));
  }

  private static final String ASKS = "WWW-Authenticate: Basic realm=\"r\"";

  @Test
  void credentialsAreNotSentInTheClearAfterARedirect() throws Exception {
    try (var plain = HostileServer.start((_, wire) -> wire.whole(401, new byte[0], ASKS));
        var encrypted =
            overTls((request, wire) -> {
              if (request.authorization().isEmpty()) {
                wire.whole(401, new byte[0], ASKS);
              } else {
                wire.whole(307, new byte[0], "Location: http://" + plain.host() + "/x");
              }
            });
        var trusting = trusting(encrypted)) {
      ImageRef ref = ImageRef.parse(encrypted.host() + "/a/b:v1");
      assertThatThrownBy(() -> trusting.resolve(ref, client, log::add))
          .hasMessageContaining("401 Unauthorized")
          .hasMessageEndingWith("(" + plain.host() + ": no credentials were sent)");
      assertThat(plain.requests()).isNotEmpty().allMatch(r -> r.authorization().isEmpty());
      assertThat(client.asked).doesNotContain(plain.host());
    }
  }

  @Test
  void credentialsAreNotSentInTheClearToATokenServer() throws Exception {
    try (var encrypted =
            overTls((_, wire) ->
                wire.whole(
                    401,
                    new byte[0],
                    "WWW-Authenticate: Bearer realm=\"http://tokens.example/t\",service=\"s\""));
        var trusting = trusting(encrypted)) {
      ImageRef ref = ImageRef.parse(encrypted.host() + "/a/b:v1");
      assertThatThrownBy(() -> trusting.resolve(ref, client, log::add))
          .isInstanceOfSatisfying(
              BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.DENIED))
          .hasMessageContaining("http://tokens.example/t, which is not encrypted")
          .hasMessageContaining("registry.\"tokens.example\".http = true");
    }
  }

  @Test
  void anUploadElsewhereGetsNoCredentials() throws Exception {
    try (var elsewhere = HostileServer.start((request, wire) -> wire.whole(201, new byte[0]));
        var named =
            HostileServer.start((request, wire) -> {
              if (request.authorization().isEmpty()) {
                wire.whole(401, new byte[0], ASKS);
              } else if (request.method().equals("POST")) {
                wire.whole(
                    202, new byte[0], "Location: http://" + elsewhere.host() + "/up?sig=secret");
              } else {
                wire.whole(404, new byte[0]);
              }
            })) {
      Push push = registry.push(ImageRef.parse(named.host() + "/a/b:v1"), false, client);
      assertThat(send(push, "one")).isEqualTo(Push.Outcome.SENT);
      assertThat(elsewhere.requests()).hasSize(1).allMatch(r -> r.authorization().isEmpty());
    }
  }

  @Test
  void tokensThatCannotBeSentAreRefused() throws Exception {
    for (String token : List.of("x".repeat(100_000), "a\\nb", "ä", "a b")) {
      try (var bad =
          HostileServer.start((request, wire) -> {
            if (request.path().equals("/token")) {
              wire.whole(200, bytes("{\"token\":\"" + token + "\",\"expires_in\":1}"));
            } else {
              wire.whole(
                  401,
                  new byte[0],
                  "WWW-Authenticate: Bearer realm=\"http://"
                      + request.headers().get("host")
                      + "/token\"");
            }
          })) {
        ImageRef ref = ImageRef.parse(bad.host() + "/a/b:v1");
        assertThatThrownBy(() -> registry.resolve(ref, client, log::add))
            .isInstanceOfSatisfying(
                BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.DENIED))
            .hasMessageContaining("the token of http://" + bad.host() + "/token has");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"9223372036854775807", "-9223372036854775808", "1e400", "\"soon\""})
  void lifetimesWithoutSenseAreTakenForShortOnes(String life) throws Exception {
    try (var odd =
        HostileServer.start((request, wire) -> {
          if (request.path().equals("/token")) {
            wire.whole(200, bytes("{\"token\":\"t\",\"expires_in\":" + life + "}"));
          } else if (request.authorization().isEmpty()) {
            wire.whole(
                401,
                new byte[0],
                "WWW-Authenticate: Bearer realm=\"http://"
                    + request.headers().get("host")
                    + "/token\"");
          } else {
            wire.whole(404, new byte[0]);
          }
        })) {
      ImageRef ref = ImageRef.parse(odd.host() + "/a/b:v1");
      assertThatThrownBy(() -> registry.resolve(ref, client, log::add))
          .hasMessageEndingWith("not found");
    }
  }
}
