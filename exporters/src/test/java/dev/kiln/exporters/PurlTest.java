package dev.kiln.exporters;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.model.Platform;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A-47. Printed by BuildKit v0.22's util/purl. */
class PurlTest {
  private static final String E =
      "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

  @ParameterizedTest
  @CsvSource({
    "alpine, pkg:docker/alpine@latest?platform=linux%2Farm64",
    "foo/bar:v1, pkg:docker/foo/bar@v1?platform=linux%2Farm64",
    "localhost:5000/a/b@"
        + E
        + ", pkg:docker/localhost%3A5000/a/b?digest="
        + E
        + "&platform=linux%2Farm64",
    "docker.io/library/x:y@" + E + ", pkg:docker/x@y?digest=" + E + "&platform=linux%2Farm64",
    "ghcr.io/a_b/c__d:T_1.2, pkg:docker/ghcr.io/a_b/c__d@T_1.2?platform=linux%2Farm64",
  })
  void references(String reference, String purl) {
    Optional<Platform> platform = Optional.of(Platform.parse("linux/arm64/v8"));
    assertThat(Purl.of("docker", reference, platform)).isEqualTo(purl);
  }

  @org.junit.jupiter.api.Test
  void withoutPlatform() {
    assertThat(Purl.of("docker", "alpine", Optional.empty())).isEqualTo("pkg:docker/alpine@latest");
  }
}
