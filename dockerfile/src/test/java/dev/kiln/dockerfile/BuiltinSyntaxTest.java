package dev.kiln.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.kiln.llb.SolveRequest;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BuiltinSyntaxTest {
  @ParameterizedTest
  @CsvSource({
    "docker/dockerfile:1, true",
    "docker.io/docker/dockerfile:1, true",
    "docker/dockerfile:1-labs, true",
    "docker/dockerfile:1.4, true",
    "docker/dockerfile:1.4.3, true",
    "docker/dockerfile:1.16-labs, true",
    "docker/dockerfile:1.17, false",
    "docker/dockerfile:2, false",
    "docker/dockerfile, false",
    "docker/dockerfile:latest, false",
    "docker/dockerfile:experimental, false",
    "docker/dockerfile-upstream:1, false",
    "example.com/docker/dockerfile:1, false",
    "docker/dockerfile:1@sha256:1111111111111111111111111111111111111111111111111111111111111111,"
        + " false",
    "not a reference, false",
  })
  void versionsThatAreBuiltIn(String image, boolean covered) {
    assertThat(BuiltinSyntax.covers(image)).isEqualTo(covered);
  }

  private static FakeFrontendClient solve(String text, Map<String, String> opts)
      throws InterruptedException {
    var client =
        new FakeFrontendClient(
            JsonNodeFactory.instance.objectNode(),
            Map.of("local://dockerfile", Map.of("Dockerfile", text)));
    new DockerfileFrontend().solve(client, opts, Map.of());
    return client;
  }

  private static boolean forwarded(FakeFrontendClient client) {
    return client.solves.stream().map(SolveRequest::frontend).anyMatch("gateway.v0"::equals);
  }

  @Test
  void aCoveredImageIsSparedWhereTheClientAsks() throws Exception {
    String text = "# syntax=docker/dockerfile:1.7-labs\nFROM scratch\n";
    Map<String, String> asks = Map.of("build-arg:KILN_BUILTIN_SYNTAX", "1");
    assertThat(forwarded(solve(text, asks))).isFalse();
    assertThat(forwarded(solve(text, Map.of()))).isTrue();
    assertThat(forwarded(solve(text, Map.of("build-arg:KILN_BUILTIN_SYNTAX", "0")))).isTrue();
    assertThat(forwarded(solve(text.replace("1.7-labs", "1.99"), asks))).isTrue();
  }

  @Test
  void theClientsOwnWordIsTreatedAlike() throws Exception {
    String text = "# syntax=example.com/other\nFROM scratch\n";
    assertThat(
            forwarded(
                solve(
                    text,
                    Map.of(
                        "build-arg:BUILDKIT_SYNTAX", "docker/dockerfile:1",
                        "build-arg:KILN_BUILTIN_SYNTAX", "true"))))
        .isFalse();
    assertThatThrownBy(() -> solve(text, Map.of("build-arg:KILN_BUILTIN_SYNTAX", "perhaps")))
        .hasMessage("invalid boolean value for KILN_BUILTIN_SYNTAX: perhaps");
  }
}
