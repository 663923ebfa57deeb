package dev.kiln.remotecache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against {@link ActionsServer}, which refuses what the real one refuses. */
class GhaStoreTest {
  private static final String MAIN = "refs/heads/main";
  private static final byte[] HELLO = "hello world".getBytes(StandardCharsets.UTF_8);

  private final MovableClock clock = new MovableClock();
  private final GhaHttp http = new GhaHttp(new Backoff(clock, clock::pass), "test");
  private ActionsServer server;

  @BeforeEach
  void start() throws IOException {
    server = ActionsServer.start(clock);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private ObjectStore store(int version, String token, String... more) {
    var attrs =
        new TreeMap<>(
            Map.of("token", token, "url", server.url(), "version", Integer.toString(version)));
    for (int i = 0; i < more.length; i += 2) {
      attrs.put(more[i], more[i + 1]);
    }
    return GhaStore.open(GhaOptions.of(attrs, clock.instant()), http, URI.create(server.url()));
  }

  private ObjectStore store(int version) {
    return store(version, server.tokenFor(MAIN));
  }

  private static void put(ObjectStore store, String name, byte[] bytes) throws Exception {
    store.put(name, bytes.length, () -> new ByteArrayInputStream(bytes));
  }

  private static byte[] read(ObjectStore store, String name, long offset) throws Exception {
    try (InputStream in = store.open(name, offset).orElseThrow()) {
      return in.readAllBytes();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void whatIsWrittenIsFoundAndReadFromAnywhere(int version) throws Exception {
    ObjectStore store = store(version);
    assertThat(store.find("buildkit-blob-1-sha256:ab")).isEmpty();
    assertThat(store.open("buildkit-blob-1-sha256:ab", 0)).isEmpty();
    put(store, "buildkit-blob-1-sha256:ab", HELLO);
    assertThat(server.keys()).containsExactly("buildkit-blob-1-sha256:ab");
    assertThat(store.find("buildkit-blob-1-sha256:ab")).isPresent();
    assertThat(read(store, "buildkit-blob-1-sha256:ab", 0)).isEqualTo(HELLO);
    assertThat(read(store, "buildkit-blob-1-sha256:ab", 6)).asString().isEqualTo("world");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void largeObjectsGoInPieces(int version) throws Exception {
    byte[] bytes = new byte[(16 << 20) + 5];
    Arrays.fill(bytes, 9 << 20, bytes.length, (byte) 7);
    put(store(version), "large", bytes);
    assertThat(Arrays.equals(read(store(version), "large", 0), bytes)).isTrue();
    String piece =
        version == 1 ? "PATCH /_apis/artifactcache/caches/1" : "PUT /account/actions-cache/1";
    assertThat(server.calls().stream().filter(piece::equals)).hasSizeGreaterThanOrEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void aKeyThatIsTakenIsLeftAsItIs(int version) throws Exception {
    put(store(version), "key", HELLO);
    put(store(version), "key", new byte[] {1});
    assertThat(read(store(version), "key", 0)).isEqualTo(HELLO);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void whatChangesGoesUnderTheNextNumberAndTheNewestIsRead(int version) throws Exception {
    ObjectStore store = store(version);
    for (int i = 1; i <= 11; i++) {
      store.replace("index", new byte[] {(byte) i});
    }
    assertThat(server.keys()).startsWith("index#1", "index#2").endsWith("index#11");
    assertThat(read(store, "index", 0)).containsExactly(11);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void aNumberThatSomebodyReservedAndNeverWroteIsSkippedAfterAWhile(int version) throws Exception {
    ObjectStore store = store(version);
    store.replace("index", HELLO);
    server.entries().reserve(MAIN, "index#2", GhaService.VERSION);
    store.replace("index", HELLO);
    assertThat(server.keys()).containsExactly("index#1", "index#3");
    assertThat(clock.waits()).hasSize(8).containsOnly(Duration.ofSeconds(2));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void otherBranchesAreReadButNotWritten(int version) throws Exception {
    put(store(version), "key", HELLO);
    String feature =
        server.token(
            """
            [{"Scope":"refs/heads/f","Permission":3},{"Scope":"refs/heads/main","Permission":1}]\
            """);
    assertThat(read(store(version, feature), "key", 0)).isEqualTo(HELLO);
    put(store(version, feature), "key", new byte[] {1});
    assertThat(read(store(version, feature), "key", 0)).containsExactly(1);
    assertThat(read(store(version), "key", 0)).isEqualTo(HELLO);
    assertThat(store(version, server.tokenFor("refs/heads/x")).find("key")).isEmpty();
    String reader = server.token("[{\"Scope\":\"refs/heads/main\",\"Permission\":1}]");
    assertThatThrownBy(() -> put(store(version, reader), "new", HELLO))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.DENIED));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void tooManyRequestsWaitAsLongAsTheServiceSays(int version) throws Exception {
    server.refuse(2, Optional.of(Duration.ofSeconds(5)));
    assertThat(store(version).find("key")).isEmpty();
    assertThat(clock.waits()).containsExactly(Duration.ofSeconds(5), Duration.ofSeconds(5));
    server.refuse(3, Optional.empty());
    put(store(version), "key", HELLO);
    assertThat(server.keys()).containsExactly("key");
    assertThat(clock.waits()).hasSize(5).endsWith(Duration.ofSeconds(4));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void tooManyForTheTimeoutIsAFailure(int version) {
    server.refuse(1000, Optional.empty());
    assertThatThrownBy(() -> store(version, server.tokenFor(MAIN), "timeout", "20s").find("key"))
        .isInstanceOf(BuildException.class)
        .hasMessage("maximum timeout reached: resource_exhausted: slow down");
    assertThat(clock.waits()).hasSize(4); // 1, 2, 4 and 8 seconds
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void aTokenThatIsRefusedIsNotShown(int version) {
    String token = server.tokenFor(MAIN) + "x";
    assertThatThrownBy(() -> store(version, token).find("key"))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.DENIED))
        .hasMessage("invalid token")
        .hasStackTraceContaining("GhaHttp")
        .satisfies(e -> assertThat(e.toString()).doesNotContain(token));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void aDownloadThatFailsDoesNotShowItsAddress(int version) throws Exception {
    GhaService.Entry gone =
        new GhaService.Entry(
            "key", URI.create(server.url() + "account/actions-cache/1?se=x&sig=SIG"), version == 2);
    assertThatThrownBy(
            () -> {
              try (InputStream in =
                  gone.azure()
                      ? GhaV2.blob(gone.address(), http).open(0).orElseThrow()
                      : http.download(gone.address(), 0)) {
                in.readAllBytes();
              }
            })
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("403")
        .hasMessageNotContaining("SIG");
    assertThat(gone.toString()).doesNotContain("SIG");
  }

  @Test
  void aServerThatIsUnknownIsNamed() {
    String token = server.tokenFor(MAIN);
    assertThatThrownBy(() -> store(1, token, "url", "http://no-such-host.invalid/").find("x"))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("dial tcp: lookup no-such-host.invalid: no such host")
        .hasMessageNotContaining(token);
  }

  @Test
  void keysThatAreListedAreNotAskedFor() throws Exception {
    for (int i = 0; i < 101; i++) {
      server
          .entries()
          .reserve(MAIN, "buildkit-blob-1-" + i, GhaService.VERSION)
          .orElseThrow()
          .commit(0);
    }
    int before = server.calls().size();
    ObjectStore listing =
        store(2, server.tokenFor(MAIN), "repository", "o/r", "ghtoken", ActionsServer.REST_TOKEN);
    assertThat(listing.find("buildkit-blob-1-100")).isPresent();
    assertThat(listing.find("buildkit-blob-1-101")).isEmpty();
    assertThat(server.calls().subList(before, server.calls().size()))
        .containsExactly("GET /repos/o/r/actions/caches", "GET /repos/o/r/actions/caches");
  }

  @Test
  void whereKeysCannotBeListedEachIsAskedFor() throws Exception {
    put(store(2), "buildkit-blob-1-a", HELLO);
    ObjectStore store = store(2, server.tokenFor(MAIN), "repository", "o/r", "ghtoken", "wrong");
    assertThat(store.find("buildkit-blob-1-a")).isPresent();
  }

  @Test
  void theStoreIsReachableAsLongAsItsToken() {
    ObjectStore store = store(2);
    assertThat(store.isReachable()).isTrue();
    clock.pass(Duration.ofHours(2));
    assertThat(store.isReachable()).isFalse();
  }
}
