package dev.kiln.actors;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.OptionalInt;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How many more steps may begin. */
final class StepLimitsTest {
  @ParameterizedTest(name = "{0} slots, {1} always, {2} run, {3} threads runnable: {4} more")
  @CsvSource({
    "128, 4, 0, 0, 4", // without a look at the processors
    "128, 4, 0, 50, 4",
    "128, 4, 3, 50, 1",
    "128, 4, 4, 50, 0", // busy
    "128, 4, 4, 4, 0",
    "128, 4, 4, 3, 1",
    "128, 4, 100, 0, 4", // idle: as many as keep two processors busy
    "128, 4, 126, 0, 2", // but no more than there are slots
    "128, 4, 128, 0, 0",
    "2, 2, 0, 50, 2", // an operator's bound, whatever the machine does
    "2, 2, 1, 50, 1",
    "2, 2, 2, 0, 0",
  })
  void more(int slots, int always, int running, int runnable, int more) {
    assertThat(new StepLimits(slots, 0, always, () -> runnable, 2).more(running)).isEqualTo(more);
  }

  @ParameterizedTest
  @CsvSource({"1", "3", "1000"})
  void anOperatorsBoundHoldsAlone(int bound) {
    StepLimits limits = StepLimits.of(OptionalInt.of(bound), () -> 1_000);
    assertThat(limits.slots()).isEqualTo(bound);
    assertThat(limits.more(0)).isEqualTo(bound);
  }
}
