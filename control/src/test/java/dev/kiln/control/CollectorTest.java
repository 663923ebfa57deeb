package dev.kiln.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.store.PruneRequest;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class CollectorTest {
  @Test
  void aRuleIsShownByWhatItBounds() {
    assertThat(Collector.shown(PruneRequest.EVERYTHING)).isEqualTo("all=true");
    assertThat(
            Collector.shown(
                new PruneRequest(
                    List.of("type==regular"), false, Duration.ofHours(48), 1, 20_000, 3)))
        .isEqualTo(
            "all=false filters=[type==regular] keepDuration=48h reserved=1 maxUsed=20000 minFree=3");
    assertThat(
            Collector.shown(new PruneRequest(List.of(), false, Duration.ofSeconds(5400), 0, 0, 4)))
        .isEqualTo("all=false keepDuration=1h30m minFree=4");
  }
}
