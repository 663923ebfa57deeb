package dev.kiln.config;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Any file is a configuration or refused in words. */
class TomlFuzzTest {
  @FuzzTest
  void anyFileIsReadOrRefused(byte[] bytes) throws IOException {
    Path file = Files.createTempFile("fuzz", ".toml");
    try {
      Files.write(file, bytes);
      ConfigReader.read(List.of("--config", file.toString()), "test", _ -> 0);
    } catch (ConfigException expected) {
      assertThat(expected.getMessage()).isNotBlank();
    } finally {
      Files.delete(file);
    }
  }
}
