package dev.kiln.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.ImageRef;
import dev.kiln.model.MediaTypes;
import dev.kiln.registry.real.SelfSigned;
import java.io.ByteArrayInputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** X-22, K-23: a registry whose certificate nobody signed. */
class InsecureTest {
  private static final byte[] BYTES = {1, 2, 3};

  @TempDir Path folder;

  private static Registry client(FakeRegistry server) {
    // TLS is asked for by name: a registry on this machine is spoken to without it otherwise
    var host =
        new RegistryHosts.Host(
            List.of(), Optional.of(false), Optional.empty(), List.of(), List.of(), List.of());
    return new Registry(
        new RegistryHosts(Map.of(server.host(), host)), "test", new Retries(_ -> {}));
  }

  private static Push.Outcome push(FakeRegistry server, boolean insecure) {
    try (var registry = client(server)) {
      return registry
          .push(ImageRef.parse(server.host() + "/a/new:v1"), insecure, Credentials.ANONYMOUS)
          .blob(
              new Descriptor(MediaTypes.OCI_LAYER, Digest.of(BYTES), BYTES.length),
              Optional.empty(),
              () -> new ByteArrayInputStream(BYTES),
              _ -> {});
    }
  }

  @Test
  void aCertificateThatNobodySignedIsTakenOnlyWhenAsked() throws Exception {
    try (var server = FakeRegistry.overTls(SelfSigned.make(folder, "EC").context())) {
      assertThatThrownBy(() -> push(server, false)).isInstanceOf(BuildException.class);
      assertThat(server.blobs).isEmpty();
      assertThat(push(server, true)).isEqualTo(Push.Outcome.SENT);
      assertThat(server.blobs).hasSize(1);
    }
  }

  @Test
  void pullsAreUnverifiedOnlyWhenAsked() throws Exception {
    try (var server = FakeRegistry.overTls(SelfSigned.make(folder, "EC").context());
        var registry = client(server)) {
      Digest digest = server.addBlob("a/b", BYTES);
      var blob = new Descriptor(MediaTypes.OCI_LAYER, digest, BYTES.length);
      ImageRef ref = ImageRef.parse(server.host() + "/a/b:v1");
      assertThatThrownBy(() -> registry.small(ref, blob, Credentials.ANONYMOUS, _ -> {}))
          .isInstanceOf(BuildException.class);
      Registry lax = registry.pullingInsecurely();
      assertThat(lax.small(ref, blob, Credentials.ANONYMOUS, _ -> {})).isEqualTo(BYTES);
      assertThatThrownBy(() -> registry.small(ref, blob, Credentials.ANONYMOUS, _ -> {}))
          .isInstanceOf(BuildException.class);
    }
  }
}
