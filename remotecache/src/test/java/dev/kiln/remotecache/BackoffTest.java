package dev.kiln.remotecache;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class BackoffTest {
  private final MovableClock clock = new MovableClock();
  private final Backoff backoff = new Backoff(clock, clock::pass);

  private Instant in(long seconds) {
    return clock.instant().plusSeconds(seconds);
  }

  @Test
  void theWaitGrowsToNinetySeconds() throws Exception {
    assertThat(backoff.await(in(0))).isTrue();
    for (int i = 0; i < 9; i++) {
      backoff.refused(Duration.ZERO);
      assertThat(backoff.await(in(100))).isTrue();
    }
    assertThat(clock.waits()).isEqualTo(seconds(1, 2, 4, 8, 16, 32, 64, 90, 90));
    backoff.answered();
    backoff.refused(Duration.ZERO);
    assertThat(backoff.await(in(100))).isTrue();
    assertThat(clock.waits().getLast()).isEqualTo(Duration.ofSeconds(1));
  }

  @Test
  void requestsThatAreRefusedTogetherWaitOnce() throws Exception {
    backoff.refused(Duration.ZERO);
    backoff.refused(Duration.ZERO);
    assertThat(backoff.await(in(10))).isTrue();
    assertThat(clock.waits()).isEqualTo(seconds(1));
  }

  @Test
  void theServiceMayAskForLonger() throws Exception {
    backoff.refused(Duration.ofSeconds(7));
    assertThat(backoff.await(in(10))).isTrue();
    assertThat(clock.waits()).isEqualTo(seconds(7));
  }

  @Test
  void nobodyWaitsBeyondTheDeadline() throws Exception {
    backoff.refused(Duration.ofSeconds(7));
    assertThat(backoff.await(in(6))).isFalse();
    assertThat(clock.waits()).isEmpty();
  }

  private static List<Duration> seconds(int... all) {
    return Arrays.stream(all).mapToObj(Duration::ofSeconds).toList();
  }
}
