package dev.kiln.dockerfile.context;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AskedAttestationsTest {
  @Test
  void nothingIsAskedByDefault() {
    var asked = AskedAttestations.parse(Map.of("target", "x", "label:attest", "y"));
    assertThat(asked.sbom()).isEmpty();
    assertThat(asked.provenance()).isEmpty();
  }

  @Test
  void theOptionWinsOverTheBuildArgument() {
    var asked =
        AskedAttestations.parse(
            Map.of(
                "build-arg:BUILDKIT_ATTEST_PROVENANCE", "mode=min",
                "attest:provenance", "mode=max,\"builder-id=a,b\",inline-only"));
    assertThat(asked.provenance())
        .contains(
            new java.util.TreeMap<>(Map.of("mode", "max", "builder-id", "a,b", "inline-only", "")));
  }

  @Test
  void aScannerHasADefaultAndParameters() {
    var asked = AskedAttestations.parse(Map.of("build-arg:BUILDKIT_ATTEST_SBOM", "ARG=1"));
    assertThat(asked.sbom())
        .hasValueSatisfying(scanner -> {
          assertThat(scanner.image()).isEqualTo("docker.io/docker/buildkit-syft-scanner:stable-1");
          assertThat(scanner.parameters()).containsExactly(Map.entry("ARG", "1"));
        });
    assertThat(AskedAttestations.parse(Map.of("attest:sbom", "generator=scan")).sbom())
        .hasValueSatisfying(s -> assertThat(s.image()).isEqualTo("docker.io/library/scan:latest"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "attest:vex||unknown attestation type \"vex\"",
        "attest:sbom|generator=|sbom generator cannot be empty",
        "attest:provenance|\"|failed to parse provenance",
      })
  void whatCannotBeUnderstoodIsRefused(String key, String value, String message) {
    assertThatThrownBy(() -> AskedAttestations.parse(Map.of(key, value == null ? "" : value)))
        .hasMessageContaining(message);
  }
}
