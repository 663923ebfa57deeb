package dev.kiln.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.config.RegistryConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RegistryFilesTest {
  @TempDir Path dir;

  @Test
  void aFileThatIsMissingIsToldWithItsKey() throws Exception {
    String here = Files.createFile(dir.resolve("here.pem")).toString();
    var registry =
        new RegistryConfig(
            List.of(),
            Optional.empty(),
            Optional.empty(),
            List.of(here, "/nowhere/ca.pem"),
            List.of(new RegistryConfig.KeyPair(dir.toString(), here)),
            List.of("/nowhere"));
    assertThat(RegistryFiles.missing(Map.of("r.test:5000", registry)))
        .containsExactly(
            "registry.\"r.test:5000\".ca: '/nowhere/ca.pem' is no file that can be read;"
                + " connections to r.test:5000 will fail",
            "registry.\"r.test:5000\".keypair.key: '"
                + dir
                + "' is no file that can be read; connections to r.test:5000 will fail");
  }
}
