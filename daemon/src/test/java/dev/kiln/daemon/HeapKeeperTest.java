package dev.kiln.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HeapKeeperTest {
  @ParameterizedTest
  @CsvSource({
    "0, 1000, 48", // never below the floor
    "23, 1000, 48",
    "30, 1000, 60", // twice what was left
    "600, 1000, 1000", // never above what there is
    "600, -1, 1200",
    "10, 32, 32",
  })
  void theOldGenerationIsCollectedWhenItHasDoubled(long usedMiB, long maxMiB, long limitMiB) {
    long max = maxMiB < 0 ? -1 : maxMiB << 20;
    assertThat(HeapKeeper.limit(usedMiB << 20, max)).isEqualTo(limitMiB << 20);
  }
}
