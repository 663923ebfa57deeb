package dev.kiln.remotecache;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.actors.CacheTable;
import dev.kiln.exporters.image.Manifests;
import dev.kiln.llb.CacheImport;
import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.MediaTypes;
import dev.kiln.model.StepProgress;
import dev.kiln.registry.Credentials;
import dev.kiln.registry.Registry;
import dev.kiln.registry.RegistryHosts;
import dev.kiln.remotecache.graph.CacheConfig;
import dev.kiln.session.Sessions;
import dev.kiln.store.Lease;
import dev.kiln.store.LocalStore;
import dev.kiln.store.Store;
import dev.kiln.store.StoreOptions;
import dev.kiln.tracing.Blocking;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** K-20 to K-30: imports, from a registry without TLS on a host for which TLS is configured. */
class CacheImportTest {
  private static final Digest ROOT = Digest.of("root");

  @TempDir Path folder;
  private final Map<String, byte[]> answers = new HashMap<>();
  private ServerSocket server;
  private Store store;
  private Registry registry;

  @BeforeEach
  void open() throws Exception {
    var layer =
        new Descriptor(MediaTypes.OCI_LAYER_GZIP, Digest.of("blob"), 10)
            .withAnnotation("containerd.io/uncompressed", Digest.of("diff").value());
    var root = new CacheConfig.Record(ROOT, List.of(), List.of());
    var step =
        new CacheConfig.Record(
            Digest.of("step"),
            List.of(new CacheConfig.Top(0, Instant.EPOCH)),
            List.of(List.of(new CacheConfig.Input(Optional.empty(), 0))));
    byte[] config =
        new CacheConfig(
                List.of(new CacheConfig.Layer(layer.digest(), -1, Optional.empty())),
                List.of(root, step))
            .toJson();
    var blob = new Descriptor(CacheConfig.MEDIA_TYPE, Digest.of(config), config.length);
    byte[] manifest = Manifests.manifest(MediaTypes.OCI_MANIFEST, blob, List.of(layer), Map.of());
    answers.put("/v2/a/cache/blobs/" + blob.digest(), config);
    answers.put("/v2/a/cache/manifests/v1", manifest);
    answers.put("/v2/a/cache/manifests/" + Digest.of(manifest), manifest);
    server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Blocking.start(
        "registry",
        () -> {
          while (true) {
            try (Socket client = server.accept()) {
              answer(client);
            }
          }
        });
    store = LocalStore.open(StoreOptions.of(folder, "native"));
    var overTls =
        new RegistryHosts.Host(
            List.of(), Optional.of(false), Optional.empty(), List.of(), List.of(), List.of());
    registry = new Registry(new RegistryHosts(Map.of(host(), overTls)), "test");
  }

  @AfterEach
  void close() throws Exception {
    registry.close();
    store.close();
    server.close();
  }

  private String host() {
    return "localhost:" + server.getLocalPort();
  }

  /** One request of HTTP; anything else, such as a greeting of TLS, is hung up on. */
  private void answer(Socket client) throws IOException {
    var in = new BufferedReader(new InputStreamReader(client.getInputStream(), ISO_8859_1));
    int first = in.read();
    if (first != 'H' && first != 'G') {
      return;
    }
    String path = in.readLine().split(" ")[1];
    while (!in.readLine().isEmpty()) {}
    byte[] answer = answers.getOrDefault(path, new byte[0]);
    String head =
        "HTTP/1.1 %s\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n"
            .formatted(
                answer.length == 0 ? "404 Not Found" : "200 OK",
                MediaTypes.OCI_MANIFEST,
                answer.length,
                "Docker-Content-Digest: " + Digest.of(answer) + "\r\n");
    client.getOutputStream().write(head.getBytes(ISO_8859_1));
    if (first == 'G') {
      client.getOutputStream().write(answer);
    }
  }

  private CacheTable imported(Map<String, String> more) throws Exception {
    var attrs = new HashMap<>(more);
    attrs.put("ref", host() + "/a/cache:v1");
    return imported(new CacheImport("registry", attrs));
  }

  private CacheTable imported(CacheImport asked) throws Exception {
    try (var sessions = new Sessions();
        Lease lease = store.leases().open("test")) {
      return new RemoteCaches(
              store,
              registry,
              sessions,
              _ -> Credentials.ANONYMOUS,
              _ -> lease,
              Map.of(),
              "test",
              Clock.systemUTC())
          .open(asked, "s1", lease, StepProgress.NONE);
    }
  }

  @Test
  void anInsecureRegistryIsReadOnlyWhenAsked() throws Exception {
    assertThatThrownBy(() -> imported(Map.of())).isInstanceOf(BuildException.class);
    assertThatThrownBy(() -> imported(Map.of("registry.insecure", "false")))
        .isInstanceOf(BuildException.class);
    assertThat(imported(Map.of("registry.insecure", "true")).exists(ROOT.value())).isTrue();
  }

  @Test
  void whatIsNoFlagIsRefused() {
    assertThatThrownBy(() -> imported(Map.of("registry.insecure", "perhaps")))
        .hasMessageContaining("registry.insecure");
  }

  @Test
  void aFoldersCacheIsNamedByFolderAndDigest() {
    for (Map<String, String> attrs :
        List.of(
            Map.of("src", "x"), Map.of("digest", "latest", "src", "x"), Map.of("digest", "x"))) {
      assertThatThrownBy(() -> imported(new CacheImport("local", attrs)))
          .as(attrs.toString())
          .hasMessageMatching(
              "failed to configure local cache importer: (local cache importer requires .*|invalid digest .*)");
    }
    assertThatThrownBy(() -> imported(new CacheImport("ftp", Map.of())))
        .hasMessage("unknown cache importer: ftp");
  }
}
