package dev.kiln.actors;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.actors.FakeOps.Fake;
import dev.kiln.llb.BuildRules;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.tracing.BuildTraces;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class StepTraceTest {
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

  /** A client with a trace of its own, and what was recorded of it. */
  private final class Client {
    final Span span = f.tracing.tracer().spanBuilder("client").setNoParent().startSpan();
    final BuildTraces.Recording recording =
        f.tracing.builds().record(span.getSpanContext().getTraceId());
    final Job job;

    Client(String id) {
      job = f.solver.open(new JobSpec(id, "", BuildRules.NONE, Context.root().with(span)));
    }

    List<SpanData> steps() {
      return recording.spans().stream()
          .filter(s -> s.getAttributes().get(AttributeKey.stringKey(JobTrace.VERTEX)) != null)
          .toList();
    }

    List<SpanData> below(SpanData step) {
      return recording.spans().stream()
          .filter(s -> s.getParentSpanId().equals(step.getSpanId()))
          .toList();
    }

    SpanData step(String name) {
      return steps().stream().filter(s -> s.getName().equals(name)).findFirst().orElseThrow();
    }
  }

  @Test
  void aStepHasOneSpanWithItsPartsBelow() throws Exception {
    Fake a = f.ops.vertex("a");
    Fake b = f.ops.vertex("b", a);
    var client = new Client("one");
    SolverFixture.get(client.job.solve(b.graph(), List.of()));
    client.job.step("sent", "sending", progress -> true);
    client.job.close();
    assertThat(client.steps())
        .extracting(SpanData::getName)
        .containsExactlyInAnyOrder("a", "b", "sending");
    assertThat(client.steps())
        .extracting(SpanData::getParentSpanId)
        .containsOnly(client.span.getSpanContext().getSpanId());
    assertThat(client.below(client.step("b")))
        .extracting(SpanData::getName)
        .containsExactlyInAnyOrder("cache request: b", "run: b");
  }

  @Test
  void aSpanOfAStepIsTheTimeOfItsRun() throws Exception {
    var gate = new CountDownLatch(1);
    Fake a = f.ops.vertex("a");
    a.runGate = Optional.of(gate);
    Fake b = f.ops.vertex("b", a);
    var client = new Client("waiting");
    Solve solve = client.job.solve(b.graph(), List.of());
    a.runStarted.await();
    Thread.sleep(50); // what must not be part of the span of b
    long opened = System.currentTimeMillis();
    gate.countDown();
    SolverFixture.get(solve);
    client.job.close();
    SpanData b1 = client.step("b");
    assertThat(TimeUnit.NANOSECONDS.toMillis(b1.getStartEpochNanos()))
        .isGreaterThanOrEqualTo(opened);
    assertThat(b1.getAttributes().get(AttributeKey.longKey("kiln.step.waited_ms")))
        .isGreaterThanOrEqualTo(50);
  }

  @Test
  void stepsThatACachedOneSparesSaySo() throws Exception {
    Fake a = f.ops.vertex("a");
    Fake b = f.ops.vertex("b", a);
    Fake c = f.ops.vertex("c", b);
    f.build(c);
    var client = new Client("all cached");
    SolverFixture.get(client.job.solve(c.graph(), List.of()));
    client.job.close();
    for (String name : List.of("a", "b", "c")) {
      assertThat(client.step(name).getAttributes().get(AttributeKey.booleanKey("kiln.step.cached")))
          .as(name)
          .isTrue();
    }
  }

  @Test
  void aStepFromTheCacheSaysSo() throws Exception {
    Fake a = f.ops.vertex("a");
    f.build(a);
    var client = new Client("two");
    SolverFixture.get(client.job.solve(a.graph(), List.of()));
    client.job.close();
    SpanData step = client.step("a");
    assertThat(step.getAttributes().get(AttributeKey.booleanKey("kiln.step.cached"))).isTrue();
    assertThat(client.below(step)).extracting(SpanData::getName).contains("load cache: a");
  }

  @Test
  void aSharedStepIsInTheTraceOfEachJob() throws Exception {
    var gate = new CountDownLatch(1);
    Fake a = f.ops.vertex("a");
    a.runGate = Optional.of(gate);
    var first = new Client("first");
    Solve one = first.job.solve(a.graph(), List.of());
    a.runStarted.await();
    var second = new Client("second");
    Solve two = second.job.solve(a.graph(), List.of());
    var third = new Client("third");
    Solve three = third.job.solve(a.graph(), List.of());
    three.cancel();
    third.job.close(); // before the step has ended
    gate.countDown();
    SolverFixture.get(one);
    SolverFixture.get(two);
    first.job.close();
    second.job.close();
    assertThat(first.steps()).hasSize(1);
    assertThat(second.steps()).hasSize(1);
    assertThat(third.steps()).hasSizeLessThanOrEqualTo(1);
    assertThat(first.below(first.step("a"))).extracting(SpanData::getName).contains("run: a");
    assertThat(second.step("a").getLinks())
        .singleElement()
        .satisfies(link ->
            assertThat(link.getSpanContext().getSpanId()).isEqualTo(first.step("a").getSpanId()));
  }

  @Test
  void noSpanHoldsCredentialsOfUrls() throws Exception {
    String url = "http://usr:PW@host/x?sig=SIGN";
    Fake a = f.ops.vertex("ADD " + url);
    a.runFailure = Optional.of(new BuildException(Kind.UNKNOWN, "no " + url));
    var client = new Client("url");
    Solve solve = client.job.solve(a.graph(), List.of());
    assertThat(solve.done().toCompletableFuture().handle((ok, e) -> e).get()).isNotNull();
    client.job.step("sent", "sending to " + url, progress -> true);
    client.job.close();
    String shown = "http://xxxxx:xxxxx@host/x?sig=xxxxx";
    assertThat(client.recording.spans())
        .extracting(SpanData::getName)
        .contains("ADD " + shown, "cache request: ADD " + shown, "run: ADD " + shown)
        .contains("sending to " + shown);
    assertThat(client.step("ADD " + shown).getStatus().getDescription()).contains("no " + shown);
    for (SpanData span : client.recording.spans()) {
      assertThat(span.getName() + span.getStatus() + span.getAttributes() + span.getEvents())
          .doesNotContain("PW", "SIGN");
    }
  }

  @Test
  void aFailedStepHasAFailedSpan() throws Exception {
    Fake a = f.ops.vertex("a");
    a.runFailure = Optional.of(new BuildException(Kind.UNKNOWN, "boom"));
    var client = new Client("failing");
    Solve solve = client.job.solve(a.graph(), List.of());
    assertThat(solve.done().toCompletableFuture().handle((ok, e) -> e).get()).isNotNull();
    client.job.close();
    assertThat(client.step("a").getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
    assertThat(client.step("a").getStatus().getDescription()).contains("boom");
  }
}
