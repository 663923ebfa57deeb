package dev.kiln.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Expected values: containerd platforms v1.0.0-rc.1, {@code Only}. */
class PlatformMatcherTest {
  @ParameterizedTest
  @CsvSource({
    "linux/amd64, linux/amd64, true",
    "linux/amd64, linux/386, true",
    "linux/amd64, linux/amd64/v2, false",
    "linux/amd64/v3, linux/amd64/v2, true",
    "linux/386, linux/amd64, false",
    "linux/arm, linux/arm/v7, true",
    "linux/arm/v7, linux/arm/v5, true",
    "linux/arm/v6, linux/arm/v7, false",
    "linux/arm64, linux/arm64/v8, true",
    "linux/arm64, linux/arm/v7, true",
    "linux/arm64, linux/arm64/v8.1, false",
    "linux/arm64/v9.1, linux/arm64/v8.6, true",
    "linux/arm64/v9.1, linux/arm64/v8.7, false",
    "linux/riscv64, linux/riscv64, true",
    "linux/amd64, windows/amd64, false",
  })
  void runs(String wanted, String candidate, boolean matches) {
    assertThat(PlatformMatcher.only(Platform.parse(wanted)).matches(Platform.parse(candidate)))
        .isEqualTo(matches);
  }

  @Test
  void bestComesFirst() {
    var candidates = List.of("linux/arm/v5", "linux/s390x", "linux/arm/v7", "linux/arm/v6");
    assertThat(
            PlatformMatcher.only(Platform.parse("linux/arm/v7"))
                .sorted(candidates, c -> Optional.of(Platform.parse(c))))
        .containsExactly("linux/arm/v7", "linux/arm/v6", "linux/arm/v5");
  }
}
