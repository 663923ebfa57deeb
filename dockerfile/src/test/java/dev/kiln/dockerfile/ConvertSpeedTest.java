package dev.kiln.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

/** The large file, from its text to the definition; {@link ConvertBenchmark} has the figures. */
class ConvertSpeedTest {
  @Test
  void aLargeFileConvertsAtOnce() throws InterruptedException {
    String text = LargeDockerfile.text();
    assertThat(text.lines()).hasSize(2_000);
    long best = Long.MAX_VALUE;
    for (int i = 0; i < 30; i++) {
      FakeFrontendClient client = LargeDockerfile.client(text);
      long start = System.nanoTime();
      new DockerfileFrontend().solve(client, Map.of(), Map.of());
      best = Math.min(best, System.nanoTime() - start);
      assertThat(client.solves.getLast().definition().orElseThrow().getDefCount())
          .isGreaterThan(1000);
    }
    // The aim is 50 ms; a machine shared with other work may take longer.
    assertThat(best).as("best of 30 conversions, ns").isLessThan(500_000_000L);
  }
}
