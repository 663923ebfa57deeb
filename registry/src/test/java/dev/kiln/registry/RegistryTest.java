package dev.kiln.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Kind;
import dev.kiln.model.MediaTypes;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class RegistryTest {
  private static final byte[] MANIFEST = "{\"config\":{}}".getBytes(StandardCharsets.UTF_8);
  private final List<Duration> waits = new ArrayList<>();
  private final List<String> log = new ArrayList<>();
  private FakeRegistry server;
  private Registry registry;

  @BeforeEach
  void start() throws IOException {
    server = new FakeRegistry();
    registry = registry(RegistryHosts.DEFAULT);
  }

  @AfterEach
  void stop() {
    registry.close();
    server.close();
  }

  private Registry registry(RegistryHosts hosts) {
    return new Registry(hosts, "test", new Retries(waits::add));
  }

  private ImageRef ref(String name) {
    return ImageRef.parse(server.host() + "/" + name);
  }

  @Test
  void resolvesTagsByOneRequest() {
    Digest digest = server.addManifest("a/b", "v1", MediaTypes.OCI_MANIFEST, MANIFEST);
    assertThat(registry.resolve(ref("a/b:v1"), Credentials.ANONYMOUS, log::add))
        .isEqualTo(new Descriptor(MediaTypes.OCI_MANIFEST, digest, MANIFEST.length));
    assertThat(server.requests).containsExactly("HEAD /v2/a/b/manifests/v1");
  }

  @Test
  void readsTheManifestWhereHeadersSayTooLittle() {
    server.hidesDigests = true;
    Digest digest = server.addManifest("a/b", "v1", MediaTypes.OCI_MANIFEST, MANIFEST);
    server.failures.put("HEAD /v2/a/b/manifests/v1", List.of(405));
    assertThat(registry.resolve(ref("a/b:v1"), Credentials.ANONYMOUS, log::add).digest())
        .isEqualTo(digest);
  }

  @Test
  void absentImagesAreNotFound() {
    assertThatThrownBy(() -> registry.resolve(ref("a/b:gone"), Credentials.ANONYMOUS, log::add))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.NOT_FOUND))
        .hasMessage(server.host() + "/a/b:gone: not found");
  }

  @Test
  void mirrorsAreAskedFirstAndToldForWhom() {
    Digest digest = server.addManifest("proxy/a/b", "v1", MediaTypes.OCI_MANIFEST, MANIFEST);
    var hosts =
        new RegistryHosts(
            Map.of(
                "example.com",
                new RegistryHosts.Host(
                    List.of(server.host() + "/gone", server.host() + "/proxy"),
                    Optional.empty(),
                    Optional.empty(),
                    List.of(),
                    List.of(),
                    List.of())));
    try (Registry mirrored = registry(hosts)) {
      assertThat(
              mirrored
                  .resolve(ImageRef.parse("example.com/a/b:v1"), Credentials.ANONYMOUS, log::add)
                  .digest())
          .isEqualTo(digest);
    }
    assertThat(server.requests)
        .containsExactly(
            "HEAD /v2/gone/a/b/manifests/v1?ns=example.com",
            "HEAD /v2/proxy/a/b/manifests/v1?ns=example.com");
  }

  @Test
  void brokenDownloadsGoOnWhereTheyEnded() {
    byte[] bytes = new byte[500_000];
    new Random(1).nextBytes(bytes);
    Digest digest = server.addBlob("a/b", bytes);
    server.cutAfter = 100_000;
    server.cuts.set(2);
    var sink = new MemorySink();
    registry.download(
        ref("a/b:v1"),
        new Descriptor(MediaTypes.OCI_LAYER_GZIP, digest, bytes.length),
        Credentials.ANONYMOUS,
        sink,
        log::add);
    assertThat(sink.bytes()).isEqualTo(bytes);
    assertThat(waits).containsExactly(Duration.ofSeconds(1), Duration.ofSeconds(2));
    assertThat(log).contains("retrying in 1s\n", "retrying in 2s\n");
  }

  @Test
  @Timeout(20)
  void aSizeThatNothingHasIsShort() {
    byte[] bytes = "0123456789".getBytes(StandardCharsets.UTF_8);
    Digest digest = server.addBlob("a/b", bytes);
    assertThatThrownBy(() ->
            registry.download(
                ref("a/b:v1"),
                new Descriptor(MediaTypes.OCI_LAYER_GZIP, digest, Long.MAX_VALUE),
                Credentials.ANONYMOUS,
                new MemorySink(),
                log::add))
        .hasMessageContaining("10 of 9223372036854775807 bytes: unexpected EOF");
  }

  @Test
  void serversWithoutRangesAreReadFromTheStart() {
    byte[] bytes = "0123456789".repeat(1000).getBytes(StandardCharsets.UTF_8);
    Digest digest = server.addBlob("a/b", bytes);
    server.ignoresRanges = true;
    server.cutAfter = 5000;
    server.cuts.set(1);
    var sink = new MemorySink();
    registry.download(
        ref("a/b:v1"),
        new Descriptor("", digest, bytes.length),
        Credentials.ANONYMOUS,
        sink,
        log::add);
    assertThat(sink.bytes()).isEqualTo(bytes);
  }

  @Test
  void serverErrorsAreTriedAgainAndRefusalsAreNot() {
    Digest digest = server.addBlob("a/b", MANIFEST);
    var blob = new Descriptor(MediaTypes.OCI_CONFIG, digest, MANIFEST.length);
    String request = "GET /v2/a/b/blobs/" + digest;
    server.failures.put(request, List.of(500, 503, 502));
    assertThat(registry.small(ref("a/b:v1"), blob, Credentials.ANONYMOUS, log::add))
        .isEqualTo(MANIFEST);
    assertThat(waits).hasSize(3);
    server.failures.put(request, List.of(403));
    assertThatThrownBy(() -> registry.small(ref("a/b:v1"), blob, Credentials.ANONYMOUS, log::add))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.DENIED))
        .hasMessageContaining("403 Forbidden - Server message: too bad: as the test wants");
    assertThat(waits).hasSize(3);
  }

  @Test
  void contentOfAnotherDigestIsRefused() {
    Digest digest = Digest.of("wanted");
    server.blobs.put("a/b@" + digest, "other!".getBytes(StandardCharsets.UTF_8));
    assertThatThrownBy(() ->
            registry.small(
                ref("a/b:v1"),
                new Descriptor(MediaTypes.OCI_CONFIG, digest, 6),
                Credentials.ANONYMOUS,
                log::add))
        .hasMessageContaining("unexpected commit digest");
  }

  @Test
  void bearerTokensServeForAllOfARepository() {
    server.auth = "bearer";
    Digest digest = server.addManifest("a/b", "v1", MediaTypes.OCI_MANIFEST, MANIFEST);
    Descriptor found = registry.resolve(ref("a/b:v1"), Credentials.ANONYMOUS, log::add);
    registry.small(ref("a/b:v1"), found, Credentials.ANONYMOUS, log::add);
    assertThat(found.digest()).isEqualTo(digest);
    assertThat(server.tokensIssued).hasValue(1);
    assertThat(server.lastScope).isEqualTo("scope=repository:a/b:pull&service=s");
  }

  @Test
  void imagesThatAreNotThePublicsAreDenied() {
    server.auth = "bearer";
    server.addManifest("private/b", "v1", MediaTypes.OCI_MANIFEST, MANIFEST);
    assertThatThrownBy(() -> registry.resolve(ref("private/b:v1"), Credentials.ANONYMOUS, log::add))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.DENIED))
        .hasMessage(
            "pull access denied, repository does not exist or may require authorization: server"
                + " message: insufficient_scope: authorization failed ("
                + server.host()
                + ": an anonymous token was sent)");
    assertThat(
            registry.resolve(ref("private/b:v1"), new Client("s1", "u", "p"), log::add).mediaType())
        .isEqualTo(MediaTypes.OCI_MANIFEST);
  }

  @Test
  void grantsAreSharedOnlyWithWhoShowsTheSameCredentials() {
    server.auth = "bearer";
    server.addManifest("private/b", "v1", MediaTypes.OCI_MANIFEST, MANIFEST);
    ImageRef ref = ref("private/b:v1");
    registry.resolve(ref, new Client("s1", "u", "p"), log::add);
    int issued = server.tokensIssued.get();
    registry.resolve(ref, new Client("s2", "u", "p"), log::add);
    assertThat(server.tokensIssued).hasValue(issued);
    assertThatThrownBy(() -> registry.resolve(ref, Credentials.ANONYMOUS, log::add))
        .hasMessageContaining("denied");
  }

  @Test
  void basicCredentialsAreSentOnceAsked() {
    server.auth = "basic";
    server.addManifest("a/b", "v1", MediaTypes.OCI_MANIFEST, MANIFEST);
    registry.resolve(ref("a/b:v1"), new Client("s1", "u", "p"), log::add);
    assertThatThrownBy(
            () -> registry.resolve(ref("a/b:v1"), new Client("s2", "u", "wrong"), log::add))
        .hasMessageContaining("401 Unauthorized");
  }

  @Test
  void pushesWhatIsMissing() {
    byte[] bytes = "layer".getBytes(StandardCharsets.UTF_8);
    Digest digest = Digest.of(bytes);
    var blob = new Descriptor(MediaTypes.OCI_LAYER, digest, bytes.length);
    Push push = registry.push(ref("a/new:v1"), false, Credentials.ANONYMOUS);
    Push.Opener opener = () -> new ByteArrayInputStream(bytes);
    assertThat(push.blob(blob, Optional.empty(), opener, log::add)).isEqualTo(Push.Outcome.SENT);
    assertThat(push.blob(blob, Optional.empty(), opener, log::add)).isEqualTo(Push.Outcome.EXISTED);
    var manifest = new Descriptor(MediaTypes.OCI_MANIFEST, Digest.of(MANIFEST), MANIFEST.length);
    assertThat(push.manifest(manifest, MANIFEST, Optional.of("v1"), log::add))
        .isEqualTo(Push.Outcome.SENT);
    assertThat(push.manifest(manifest, MANIFEST, Optional.of("v1"), log::add))
        .isEqualTo(Push.Outcome.EXISTED);
    assertThat(registry.resolve(ref("a/new:v1"), Credentials.ANONYMOUS, log::add))
        .isEqualTo(manifest);
  }

  @Test
  void blobsOfAnotherRepositoryAreMounted() {
    byte[] bytes = "layer".getBytes(StandardCharsets.UTF_8);
    var blob = new Descriptor(MediaTypes.OCI_LAYER, server.addBlob("base", bytes), bytes.length);
    Push push = registry.push(ref("a/new:v1"), false, Credentials.ANONYMOUS);
    assertThat(
            push.blob(
                blob,
                Optional.of("base"),
                () -> {
                  throw new IOException("not to be read");
                },
                log::add))
        .isEqualTo(Push.Outcome.MOUNTED);
    assertThat(server.blobs).containsKey("a/new@" + blob.digest());
    // where the other repository does not have it after all, it is sent
    byte[] more = "more".getBytes(StandardCharsets.UTF_8);
    var other = new Descriptor(MediaTypes.OCI_LAYER, Digest.of(more), more.length);
    assertThat(
            push.blob(other, Optional.of("base"), () -> new ByteArrayInputStream(more), log::add))
        .isEqualTo(Push.Outcome.SENT);
  }

  @Test
  void failedUploadsAreSentAgainFromTheStart() {
    byte[] bytes = new byte[200_000];
    var blob = new Descriptor(MediaTypes.OCI_LAYER, Digest.of(bytes), bytes.length);
    server.failures.put("PUT /v2/a/new/blobs/uploads/1", List.of(500));
    assertThat(
            registry
                .push(ref("a/new:v1"), false, Credentials.ANONYMOUS)
                .blob(blob, Optional.empty(), () -> new ByteArrayInputStream(bytes), log::add))
        .isEqualTo(Push.Outcome.SENT);
    assertThat(server.blobs.get("a/new@" + blob.digest())).isEqualTo(bytes);
  }

  @Test
  void registriesThatDoNotAnswerAreUnavailable() {
    String host = server.host();
    server.close();
    assertThatThrownBy(() ->
            registry.resolve(ImageRef.parse(host + "/a/b:v1"), Credentials.ANONYMOUS, log::add))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE))
        .hasMessageContaining("failed to do request: Head \"http://" + host)
        .hasMessageContaining("connection refused");
    assertThat(waits).isEmpty();
  }
}
