package dev.kiln.cli.view;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import dev.kiln.grpc.control.StatusResponse;
import dev.kiln.grpc.control.Vertex;
import dev.kiln.grpc.control.VertexLog;
import dev.kiln.grpc.control.VertexStatus;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;

class ViewsTest {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);

  private static Timestamp at(double seconds) {
    return Timestamp.newBuilder()
        .setSeconds((long) seconds)
        .setNanos((int) Math.round((seconds - Math.floor(seconds)) * 1e9))
        .build();
  }

  private static StatusResponse started(String digest, String name, double when) {
    return StatusResponse.newBuilder()
        .addVertexes(Vertex.newBuilder().setDigest(digest).setName(name).setStarted(at(when)))
        .build();
  }

  private static StatusResponse ended(
      String digest, String name, double start, double end, boolean cached, String error) {
    return StatusResponse.newBuilder()
        .addVertexes(
            Vertex.newBuilder()
                .setDigest(digest)
                .setName(name)
                .setStarted(at(start))
                .setCompleted(at(end))
                .setCached(cached)
                .setError(error))
        .build();
  }

  private static StatusResponse log(String digest, String text, double when) {
    return StatusResponse.newBuilder()
        .addLogs(
            VertexLog.newBuilder()
                .setVertex(digest)
                .setTimestamp(at(when))
                .setStream(1)
                .setMsg(ByteString.copyFromUtf8(text)))
        .build();
  }

  @Test
  void plainViewPrintsEachFactOnce() {
    try (var view = new PlainView(out)) {
      view.show(started("a", "first", 10));
      view.show(log("a", "half a ", 10.5));
      view.show(log("a", "line\n10%\r20%\r\n", 11));
      view.show(ended("a", "first", 10, 12.34, false, ""));
      view.show(started("b", "second", 12));
      view.show(ended("b", "second", 12, 12, true, ""));
      view.show(ended("c", "third", 13, 14, false, "exit code: 1"));
    }
    assertThat(bytes.toString(StandardCharsets.UTF_8))
        .isEqualTo(
            """
            #1 first
            #1 1.000 half a line
            #1 1.000 20%
            #1 DONE 2.3s

            #2 second
            #2 CACHED

            #3 third
            #3 ERROR: exit code: 1
            """);
  }

  @Test
  void anEndThatDoesNotLastIsNotPrinted() {
    try (var view = new PlainView(out)) {
      view.show(ended("a", "first", 10, 10, false, ""));
      view.show(started("a", "first", 11));
      view.show(ended("a", "first", 11, 13, false, ""));
    }
    assertThat(bytes.toString(StandardCharsets.UTF_8)).isEqualTo("#1 first\n#1 DONE 3.0s\n");
  }

  @Test
  void terminalViewShowsWhatRunsWithinItsHeight() {
    Clock clock = Clock.fixed(Instant.ofEpochSecond(20), ZoneOffset.UTC);
    var view = new TerminalView(out, () -> new TerminalSize(5, 30), clock);
    view.show(ended("a", "first", 10, 12, false, ""));
    view.show(started("b", "a step with a name that is too long", 15));
    view.show(
        StatusResponse.newBuilder()
            .addStatuses(
                VertexStatus.newBuilder()
                    .setVertex("b")
                    .setID("layer")
                    .setCurrent(1500)
                    .setTotal(2_000_000))
            .build());
    view.show(log("b", "working\n", 16));
    assertThat(view.lines(clock.instant(), 30, 4))
        .extracting(TerminalView.Line::text)
        .containsExactly(
            "[+] Building 0.0s (1/2)",
            " => a step with a name that is",
            " => => layer  1.50kB / 2.00MB",
            " => => # working");
  }

  private String shown() {
    return bytes.toString(StandardCharsets.UTF_8);
  }

  private static StatusResponse log(String digest, int stream, ByteString bytes) {
    return StatusResponse.newBuilder()
        .addLogs(
            VertexLog.newBuilder()
                .setVertex(digest)
                .setTimestamp(at(11))
                .setStream(stream)
                .setMsg(bytes))
        .build();
  }

  @Test
  void aStepsLastLineNeedsNoNewline() {
    try (var view = new PlainView(out)) {
      view.show(started("a", "first", 10));
      view.show(log("a", "begin\nthe reason", 11));
      view.show(ended("a", "first", 10, 12, false, "exit code: 1"));
      view.show(started("b", "second", 10));
      view.show(log("b", "cut off", 11));
    }
    assertThat(shown())
        .contains("#1 1.000 begin\n#1 1.000 the reason\n#1 ERROR: exit code: 1")
        .endsWith("#2 1.000 cut off\n");
  }

  @Test
  void whatEndedStepsWroteIsPartOfTheirTail() {
    var view = ProgressView.quiet();
    view.show(started("a", "first", 10));
    view.show(log("a", "begin\nthe reason", 11));
    view.show(ended("a", "first", 10, 12, false, "exit code: 1"));
    view.close();
    BuildState state = view.state();
    assertThat(state.tail(state.failed().getFirst(), 20)).containsExactly("begin", "the reason");
  }

  @Test
  void standardOutputAndErrorAreLinesOfTheirOwn() {
    try (var view = new PlainView(out)) {
      view.show(started("a", "first", 10));
      view.show(log("a", 1, ByteString.copyFromUtf8("out ")));
      view.show(log("a", 2, ByteString.copyFromUtf8("error\n")));
      view.show(log("a", 1, ByteString.copyFromUtf8("put\n")));
    }
    assertThat(shown()).isEqualTo("#1 first\n#1 1.000 error\n#1 1.000 out put\n");
  }

  @Test
  void charactersMayBeCutByMessagesAndBytesNeedNotBeText() {
    byte[] text = "größe\n".getBytes(StandardCharsets.UTF_8);
    try (var view = new PlainView(out)) {
      view.show(started("a", "first", 10));
      for (byte b : text) {
        view.show(log("a", 1, ByteString.copyFrom(new byte[] {b})));
      }
      view.show(log("a", 1, ByteString.copyFrom(new byte[] {'x', (byte) 0xff, 'y', '\n'})));
    }
    assertThat(shown()).contains("#1 1.000 größe\n").contains("#1 1.000 x\ufffdy\n");
  }

  @Test
  void longLinesGoOnAsFurtherLines() {
    int length = 3 * LineCutter.MAX_BYTES + 5;
    try (var view = new PlainView(out)) {
      view.show(started("a", "first", 10));
      view.show(log("a", "é".repeat(length) + "end", 11));
    }
    assertThat(shown()).contains("éend").doesNotContain("\ufffd");
    assertThat(shown().chars().filter(c -> c == 'é').count()).isEqualTo(length);
    assertThat(shown().lines()).allMatch(line -> line.length() <= LineCutter.MAX_BYTES + 20);
  }

  @Test
  void nothingOfAManyLinedMessageIsLost() {
    int lines = 5 * BuildState.LINES_KEPT;
    try (var view = new PlainView(out)) {
      view.show(started("a", "first", 10));
      for (int message = 0; message < 3; message++) {
        view.show(log("a", "line\n".repeat(lines), 11));
      }
      assertThat(view.state().steps().iterator().next().log).hasSize(lines + BuildState.LINES_KEPT);
    }
    assertThat(shown().lines().filter(l -> l.endsWith("line"))).hasSize(3 * lines);
  }

  @Test
  void whatIsShownOnceClosedStaysTheLast() {
    for (ProgressView view :
        new ProgressView[] {
          new TerminalView(out, () -> new TerminalSize(24, 80), Clock.systemUTC()),
          new PlainView(out)
        }) {
      view.show(ended("a", "first", 10, 12, false, "exit code: 1"));
      view.close();
      out.println("error: the reason");
      view.show(started("b", "second", 10));
      view.close();
      assertThat(shown()).endsWith("error: the reason\n");
    }
  }

  @Test
  void theNextFrameCoversTheLastAlsoWhenTheTerminalHasBecomeNarrower() {
    var columns = new java.util.concurrent.atomic.AtomicInteger(40);
    var clock = Clock.fixed(Instant.ofEpochSecond(20), ZoneOffset.UTC);
    try (var view = new TerminalView(out, () -> new TerminalSize(24, columns.get()), clock)) {
      view.show(started("a", "a step of thirty characters, or so", 15)); // 40 columns of picture
      columns.set(15);
      bytes.reset();
    }
    // the head of 23 columns is now two rows, the step of 40 three
    assertThat(shown()).startsWith("\u001b[5A\r\u001b[0J");
    assertThat(shown().lines().map(l -> l.replaceAll("\u001b\\[[0-9]*[A-Za-z]|\r", "")))
        .allMatch(line -> line.length() <= 15);
  }

  @Test
  void whatComesRightAfterAFrameIsDrawnWithoutAFurtherMessage() throws Exception {
    var clock = Clock.fixed(Instant.ofEpochSecond(20), ZoneOffset.UTC);
    var view = new TerminalView(out, () -> new TerminalSize(24, 80), clock);
    view.show(started("a", "first", 15));
    view.show(log("a", "the last for a while", 16));
    assertThat(shown()).doesNotContain("the last");
    var drawing = dev.kiln.tracing.Blocking.start("picture", view::drawWhileOpen);
    long end = System.nanoTime() + 20_000_000_000L;
    while (!shown().contains("the last for a while") && System.nanoTime() < end) {
      Thread.onSpinWait();
    }
    assertThat(shown()).contains("the last for a while");
    view.close();
    assertThat(drawing.done().toCompletableFuture().get()).isTrue();
  }

  @Test
  void wideCharactersTakeTwoColumns() {
    var view = new TerminalView(out, () -> new TerminalSize(5, 10), Clock.systemUTC());
    view.show(started("a", "漢字漢字漢字", 15));
    assertThat(view.lines(Instant.ofEpochSecond(15), 10, 4).getLast().text()).isEqualTo(" => 漢字漢");
  }

  @Test
  void aStepCannotDriveTheTerminal() {
    String hostile =
        "\u001b]0;title\u0007a\u001b[2J\u001b[31mred\u001b[0m\u009b5A\u001b[?25lb\u001b";
    try (var view = new PlainView(out)) {
      view.show(started("a", "name" + hostile, 10));
      view.show(log("a", hostile + "\n", 11));
    }
    assertThat(shown()).isEqualTo("#1 namearedb\n#1 1.000 a\u001b[31mred\u001b[0mb\u001b[0m\n");
  }

  @Test
  void aTerminalsTextIsWhatATerminalWouldLeave() {
    try (var view = new PlainView(out)) {
      view.show(started("a", "first", 10));
      view.show(log("a", "10%\r100%\r\u001b[K", 11));
      view.show(log("a", "\nthe reason\r", 11));
    }
    assertThat(shown()).isEqualTo("#1 first\n#1 1.000 100%\n#1 1.000 the reason\n");
  }

  @Test
  void whateverADaemonSaysIsTaken() {
    var garbage =
        StatusResponse.newBuilder()
            .addVertexes(
                Vertex.newBuilder()
                    .setDigest("a")
                    .setName("x".repeat(1 << 20))
                    .setStarted(Timestamp.newBuilder().setSeconds(Long.MAX_VALUE).setNanos(-5))
                    .setCompleted(Timestamp.newBuilder().setSeconds(Long.MIN_VALUE)))
            .addStatuses(VertexStatus.newBuilder().setVertex("nowhere").setCurrent(-1).setTotal(-2))
            .addLogs(
                VertexLog.newBuilder()
                    .setVertex("undeclared")
                    .setStream(77)
                    .setTimestamp(Timestamp.newBuilder().setNanos(Integer.MIN_VALUE))
                    .setMsg(ByteString.copyFromUtf8("said\n")))
            .addWarnings(dev.kiln.grpc.control.VertexWarning.getDefaultInstance())
            .build();
    for (ProgressView view :
        new ProgressView[] {
          new TerminalView(out, () -> new TerminalSize(1, 1), Clock.systemUTC()),
          new PlainView(out),
          ProgressView.quiet()
        }) {
      view.show(garbage);
      view.show(garbage);
      view.close();
    }
    assertThat(shown()).contains("said").hasSizeLessThan(100_000);
  }

  @Test
  void endlessProgressTakesBoundedMemory() {
    var state = new BuildState();
    for (int i = 0; i < BuildState.MAX_STEPS + 100; ) {
      var message = StatusResponse.newBuilder();
      for (int j = 0; j < 100 && i < BuildState.MAX_STEPS + 100; j++, i++) {
        message.addVertexes(Vertex.newBuilder().setDigest("d" + i));
        message.addStatuses(VertexStatus.newBuilder().setVertex("d0").setID("part" + i));
      }
      state.apply(message.build());
    }
    assertThat(state.steps()).hasSize(BuildState.MAX_STEPS);
    assertThat(state.steps().iterator().next().parts).hasSize(BuildState.MAX_PARTS);
  }
}
