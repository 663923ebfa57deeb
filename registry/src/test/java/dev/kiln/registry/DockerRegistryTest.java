package dev.kiln.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.ImageRef;
import dev.kiln.model.MediaTypes;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Against distribution's own server, where it is installed. */
@Timeout(60)
class DockerRegistryTest {
  @TempDir Path temp;
  private Process server;
  private String host;

  @BeforeEach
  void start() throws Exception {
    Optional<Path> binary =
        Arrays.stream(System.getenv("PATH").split(":"))
            .flatMap(dir ->
                List.of("docker-registry", "registry").stream().map(name -> Path.of(dir, name)))
            .filter(Files::isExecutable)
            .findFirst();
    assumeTrue(binary.isPresent(), "no registry is installed");
    try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      host = "localhost:" + free.getLocalPort();
    }
    Path config = temp.resolve("config.yml");
    Files.writeString(
        config,
        """
        version: 0.1
        storage:
          filesystem:
            rootdirectory: %s
        http:
          addr: %s
        """
            .formatted(temp.resolve("data"), host));
    server =
        new ProcessBuilder(binary.orElseThrow().toString(), "serve", config.toString())
            .redirectErrorStream(true)
            .start();
    var output =
        new java.io.BufferedReader(
            new java.io.InputStreamReader(server.getInputStream(), StandardCharsets.UTF_8));
    String line = output.readLine();
    while (line != null && !line.contains("listening on")) {
      line = output.readLine();
    }
    assertThat(line).as("the registry listens").isNotNull();
  }

  @AfterEach
  void stop() throws InterruptedException {
    if (server != null) {
      server.destroy();
      assertThat(server.waitFor(20, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void whatWasPushedIsPulled() throws IOException {
    byte[] layer = new byte[3_000_000];
    new Random(7).nextBytes(layer);
    byte[] config = "{\"rootfs\":{\"type\":\"layers\"}}".getBytes(StandardCharsets.UTF_8);
    var layerBlob = new Descriptor(MediaTypes.OCI_LAYER, Digest.of(layer), layer.length);
    var configBlob = new Descriptor(MediaTypes.OCI_CONFIG, Digest.of(config), config.length);
    byte[] manifest =
        ("{\"schemaVersion\":2,\"mediaType\":\""
                + MediaTypes.OCI_MANIFEST
                + "\",\"config\":"
                + json(configBlob)
                + ",\"layers\":["
                + json(layerBlob)
                + "]}")
            .getBytes(StandardCharsets.UTF_8);
    var manifestBlob =
        new Descriptor(MediaTypes.OCI_MANIFEST, Digest.of(manifest), manifest.length);
    ImageRef ref = ImageRef.parse(host + "/team/app:v1");
    try (Registry registry = new Registry(RegistryHosts.DEFAULT, "test")) {
      Push push = registry.push(ref, false, Credentials.ANONYMOUS);
      assertThat(send(push, layerBlob, layer, Optional.empty())).isEqualTo(Push.Outcome.SENT);
      assertThat(send(push, configBlob, config, Optional.empty())).isEqualTo(Push.Outcome.SENT);
      assertThat(push.manifest(manifestBlob, manifest, Optional.of("v1"), _ -> {}))
          .isEqualTo(Push.Outcome.SENT);

      assertThat(registry.resolve(ref, Credentials.ANONYMOUS)).isEqualTo(manifestBlob);
      byte[] read = registry.small(ref, manifestBlob, Credentials.ANONYMOUS, _ -> {});
      assertThat(Manifests.manifest(read).layers()).containsExactly(layerBlob);
      // as if the first half had come already
      var sink = new HalfWritten(layer);
      registry.download(ref, layerBlob, Credentials.ANONYMOUS, sink, _ -> {});
      assertThat(sink.bytes.toByteArray()).isEqualTo(layer);

      Push other =
          registry.push(ImageRef.parse(host + "/team/other:v1"), false, Credentials.ANONYMOUS);
      assertThat(send(other, layerBlob, layer, Optional.of("team/app")))
          .isEqualTo(Push.Outcome.MOUNTED);
    }
  }

  private static String json(Descriptor d) {
    return "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%d}"
        .formatted(d.mediaType(), d.digest(), d.sizeBytes());
  }

  private static Push.Outcome send(
      Push push, Descriptor blob, byte[] bytes, Optional<String> from) {
    return push.blob(blob, from, () -> new ByteArrayInputStream(bytes), _ -> {});
  }

  private static final class HalfWritten implements Registry.BlobSink {
    final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    HalfWritten(byte[] all) {
      bytes.write(all, 0, all.length / 2);
    }

    @Override
    public long written() {
      return bytes.size();
    }

    @Override
    public void write(byte[] from, int offset, int length) {
      bytes.write(from, offset, length);
    }
  }
}
