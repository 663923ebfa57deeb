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
    var view = new TerminalView(out, 30, 5, clock);
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
    assertThat(view.lines(clock.instant(), 4))
        .containsExactly(
            "[+] Building 0.0s (1/2)",
            " => a step with a name that is",
            " => => layer  1.50kB / 2.00MB",
            " => => # working");
  }
}
