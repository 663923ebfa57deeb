package dev.kiln.actors;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.model.Progress;
import dev.kiln.model.Progress.VertexState;
import dev.kiln.model.StepProgress;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class ProgressLogTest {
  @TempDir Path folder;
  private SolverFixture f;

  @BeforeEach
  void start() {
    f = new SolverFixture(folder);
  }

  @AfterEach
  void stop() {
    f.close();
  }

  private static List<VertexState> states(List<Progress> events, String name) {
    return events.stream()
        .filter(VertexState.class::isInstance)
        .map(VertexState.class::cast)
        .filter(s -> s.name().equals(name))
        .toList();
  }

  @Test
  void vertexIsShownBareThenStartedThenCompleted() throws Exception {
    FakeOps.Fake a = f.ops.vertex("a");
    FakeOps.Fake b = f.ops.vertex("b", a);
    ProgressLog log;
    try (Job job = f.job()) {
      log = job.progress();
      SolverFixture.get(job.solve(b.graph(), List.of()));
    }
    List<VertexState> shown = states(f.watched(log), "b");
    assertThat(shown).hasSize(3);
    assertThat(shown.get(0).started()).isEmpty();
    assertThat(shown.get(0).inputs()).containsExactly(a.digest());
    assertThat(shown.get(1).started()).isPresent();
    assertThat(shown.get(1).completed()).isEmpty();
    assertThat(shown.get(2).completed()).isPresent();
    assertThat(shown.get(2).cached()).isFalse();
    assertThat(shown.get(2).error()).isEmpty();
  }

  @Test
  void inputsThatNeverRanAreShownAsCached() throws Exception {
    FakeOps.Fake a = f.ops.vertex("a");
    FakeOps.Fake b = f.ops.vertex("b", a);
    FakeOps.Fake c = f.ops.vertex("c", b);
    f.build(c);
    ProgressLog log;
    try (Job job = f.job()) {
      log = job.progress();
      SolverFixture.get(job.solve(c.graph(), List.of()));
    }
    List<Progress> events = f.watched(log);
    assertThat(states(events, "c").getLast().cached()).isTrue();
    VertexState skipped = states(events, "b").getLast();
    assertThat(skipped.cached()).isTrue();
    assertThat(skipped.started()).isEqualTo(skipped.completed()).isPresent();
  }

  @Test
  void whatIsUnfinishedAtTheEndIsCanceled() throws Exception {
    FakeOps.Fake a = f.ops.vertex("a").gated(new CountDownLatch(1));
    ProgressLog log;
    try (Job job = f.job()) {
      log = job.progress();
      job.solve(a.graph(), List.of());
      a.runStarted.await();
    }
    VertexState last = states(f.watched(log), "a").getLast();
    assertThat(last.completed()).isPresent();
    assertThat(last.error()).isEqualTo("context canceled");
  }

  @Test
  void jobThatJoinsLaterSeesWhatWasBefore() throws Exception {
    var gate = new CountDownLatch(1);
    FakeOps.Fake a = f.ops.vertex("a").gated(gate);
    ProgressLog log;
    try (Job one = f.job();
        Job two = f.job()) {
      Solve first = one.solve(a.graph(), List.of());
      a.runStarted.await();
      a.progress().log(1, "hello".getBytes(StandardCharsets.UTF_8));
      log = two.progress();
      Solve second = two.solve(a.graph(), List.of());
      gate.countDown();
      SolverFixture.get(first);
      SolverFixture.get(second);
    }
    assertThat(f.watched(log))
        .anyMatch(e ->
            e instanceof Progress.Log text
                && new String(text.message(), StandardCharsets.UTF_8).equals("hello"));
    assertThat(states(f.watched(log), "a").getLast().completed()).isPresent();
  }

  @Test
  void longLogGoesThroughTheFileAndIsWholeForALateWatcher() throws Exception {
    ProgressLog log;
    int count = 30_000;
    try (Job job = f.job()) {
      log = job.progress();
      job.step(
          "long",
          "long",
          progress -> {
            for (int i = 0; i < count; i++) {
              StepProgress.Part part = progress.part("part " + i);
              part.close();
            }
            return true;
          });
    }
    assertThat(f.watched(log).stream().filter(Progress.Status.class::isInstance))
        .hasSize(2 * count);
  }

  @Test
  void framesAreALengthAndAStatus() throws Exception {
    ProgressLog log;
    try (Job job = f.job()) {
      log = job.progress();
      job.step("s", "s", progress -> true);
    }
    var out = new ByteArrayOutputStream();
    log.copyTo(out);
    ByteBuffer in = ByteBuffer.wrap(out.toByteArray()).order(ByteOrder.LITTLE_ENDIAN);
    int frames = 0;
    while (in.hasRemaining()) {
      int length = in.getInt();
      in.position(in.position() + length);
      frames++;
    }
    assertThat(frames).isEqualTo(2);
  }

  @Test
  void stepThatFailsShowsItsError() throws Exception {
    ProgressLog log;
    try (Job job = f.job()) {
      log = job.progress();
      try {
        job.step(
            "s",
            "s",
            progress -> {
              throw new java.io.IOException("disk is gone");
            });
      } catch (dev.kiln.model.BuildException e) {
        assertThat(e).hasMessage("disk is gone");
      }
    }
    assertThat(states(f.watched(log), "s").getLast().error()).isEqualTo("disk is gone");
  }

  @Test
  void progressOfAJobIsFoundBeforeDuringAndAfterIt() throws Exception {
    var early = f.solver.progress("job", Duration.ofSeconds(10));
    Job job = f.job("job", "");
    assertThat(SolverFixture.get(early)).isSameAs(job.progress());
    job.close();
    assertThat(SolverFixture.get(f.solver.progress("job", Duration.ZERO))).isSameAs(job.progress());
    var missing = f.solver.progress("other", Duration.ofMillis(20));
    org.assertj.core.api.Assertions.assertThatThrownBy(() -> SolverFixture.get(missing))
        .hasMessage("no such job other");
  }

  @Test
  void outputBeyondTheLimitIsClippedAndItsEndKept() {
    var clip = new LogClip(new LogLimits(OptionalLong.of(10), OptionalLong.empty()));
    assertThat(text(clip.take(bytes("12345678"), Duration.ZERO))).isEqualTo("12345678");
    assertThat(text(clip.take(bytes("abcdef"), Duration.ZERO)))
        .isEqualTo("ab\n[output clipped, log limit 10B reached]\n");
    assertThat(clip.take(bytes("more"), Duration.ZERO)).isEmpty();
    assertThat(text(clip.tail())).isEqualTo("abcdefmore");
  }

  @Test
  void speedLimitGrowsWithTime() {
    var clip = new LogClip(LogLimits.DEFAULT);
    byte[] chunk = new byte[200 << 10];
    assertThat(clip.take(chunk, Duration.ofMillis(1))).hasSize(chunk.length);
    assertThat(text(clip.take(new byte[1], Duration.ofMillis(2))))
        .contains("log limit 200KiB/s reached");
    assertThat(clip.take(new byte[5], Duration.ofMillis(1500))).hasSize(5);
    assertThat(LogLimits.of(java.util.Map.of("BUILDKIT_STEP_LOG_MAX_SIZE", "-1")).sizeBytes())
        .isEmpty();
    assertThat(Optional.of(LogLimits.of(java.util.Map.of()))).contains(LogLimits.DEFAULT);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
