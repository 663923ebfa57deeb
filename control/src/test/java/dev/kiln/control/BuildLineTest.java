package dev.kiln.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertThrows;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.kiln.grpc.control.BuildHistoryRecord;
import dev.kiln.grpc.control.SolveRequest;
import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Kind;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class BuildLineTest {
  private final SolveRequest request =
      SolveRequest.newBuilder()
          .setRef("the-ref")
          .setFrontend("dockerfile.v0")
          .putFrontendAttrs("build-arg:TOKEN", "s3cret")
          .putFrontendAttrs("context", "https://user:pass@host/x.git")
          .build();

  private List<String> said(BuildLine line, Optional<Throwable> failure) {
    var log = new LoggerContext().getLogger("builds");
    var events = new ListAppender<ILoggingEvent>();
    events.start();
    log.addAppender(events);
    line.say(log, failure);
    assertThat(events.list).singleElement().extracting("message").isEqualTo("build ended");
    return events.list.getFirst().getKeyValuePairs().stream()
        .filter(pair -> !pair.key.equals("ms"))
        .map(pair -> pair.key + "=" + pair.value)
        .toList();
  }

  @Test
  void aGoodBuildIsToldWithItsSteps() {
    var line = new BuildLine(request);
    line.recorded(
        BuildHistoryRecord.newBuilder()
            .setNumTotalSteps(9)
            .setNumCompletedSteps(8)
            .setNumCachedSteps(5)
            .build());
    assertThat(said(line, Optional.empty()))
        .containsExactly(
            "cached=5", "frontend=dockerfile.v0", "ref=the-ref", "result=OK", "run=3", "steps=9");
  }

  @Test
  void aFailureHasAReasonWithoutSecrets() {
    var failure =
        new BuildException(
            Kind.NOT_FOUND, "https://user:pass@host/x.git: no s3cret, token=abc,ref=main\nmore");
    assertThat(said(new BuildLine(request), Optional.of(failure)))
        .contains("result=NOT_FOUND")
        .filteredOn(field -> field.startsWith("reason="))
        .singleElement()
        .asString()
        .doesNotContain("pass", "s3cret", "abc")
        .contains("no ***");
  }

  @Test
  void theReasonOfANameThatIsNoneHoldsNoPassword() {
    for (String name : List.of("usr:hunter2@host/x", "hunter2@host/x", "docker://u:hunter2@h/x")) {
      BuildException failure =
          assertThrows(BuildException.class, () -> ImageRef.parseNormalized(name));
      assertThat(said(new BuildLine(request), Optional.of(failure)))
          .filteredOn(field -> field.startsWith("reason="))
          .singleElement()
          .asString()
          .doesNotContain("hunter2")
          .contains("invalid reference format: '", "xxxxx@h");
    }
  }

  @Test
  void aProcessIsNotToldByItsCommandLine() {
    var failure =
        new BuildException(Kind.UNKNOWN, "process \"/bin/sh -c login hunter2\" did not complete")
            .with(new Detail.ProcessExited(3));
    assertThat(said(new BuildLine(request), Optional.of(failure)))
        .contains("reason=exit code: 3", "result=UNKNOWN")
        .noneMatch(field -> field.contains("hunter2"));
  }

  @Test
  void whatAClientNamesIsClipped() {
    var line = new BuildLine(SolveRequest.newBuilder().setRef("r".repeat(5000)).build());
    assertThat(said(line, Optional.empty())).allMatch(field -> field.length() < 400);
  }
}
