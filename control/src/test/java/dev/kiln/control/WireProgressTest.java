package dev.kiln.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.grpc.control.StatusResponse;
import dev.kiln.model.Digest;
import dev.kiln.model.Progress;
import dev.kiln.model.SourceInfo;
import dev.kiln.model.SourceRange;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class WireProgressTest {
  private static final Digest VERTEX = new Digest("sha256:" + "a".repeat(64));
  private static final Digest INPUT = new Digest("sha256:" + "b".repeat(64));

  private static StatusResponse encoded(Progress... events) throws Exception {
    return StatusResponse.parseFrom(new WireProgress().encode(List.of(events)));
  }

  @Test
  void aVertexKeepsWhatIsKnownOfIt() throws Exception {
    var state =
        new Progress.VertexState(
            VERTEX,
            List.of(INPUT),
            "[1/2] FROM x",
            true,
            Optional.of(Instant.ofEpochSecond(5, 7)),
            Optional.empty(),
            "",
            Optional.of(new Progress.ProgressGroup("g", "group", true)));
    var vertex = encoded(state).getVertexes(0);
    assertThat(vertex.getDigest()).isEqualTo(VERTEX.value());
    assertThat(vertex.getInputsList()).containsExactly(INPUT.value());
    assertThat(vertex.getCached()).isTrue();
    assertThat(vertex.getStarted().getSeconds()).isEqualTo(5);
    assertThat(vertex.getStarted().getNanos()).isEqualTo(7);
    assertThat(vertex.hasCompleted()).isFalse();
    assertThat(vertex.getProgressGroup().getWeak()).isTrue();
  }

  @Test
  void logsWarningsAndStatusesGoToTheirLists() throws Exception {
    var response =
        encoded(
            new Progress.Log(VERTEX, 2, "x".getBytes(StandardCharsets.UTF_8), Instant.EPOCH),
            new Progress.Status(
                VERTEX, "id", "n", 1, 2, Instant.EPOCH, Optional.empty(), Optional.empty()),
            new Progress.Warning(
                VERTEX,
                1,
                "short",
                List.of("d1", "d2"),
                "http://x",
                Optional.of(
                    new SourceInfo("Dockerfile", new byte[] {65}, new byte[0], "Dockerfile")),
                List.of(SourceRange.lines(3, 4))));
    assertThat(response.getLogs(0).getStream()).isEqualTo(2);
    assertThat(response.getStatuses(0).getTotal()).isEqualTo(2);
    var warning = response.getWarnings(0);
    assertThat(warning.getShort().toStringUtf8()).isEqualTo("short");
    assertThat(warning.getDetailCount()).isEqualTo(2);
    assertThat(warning.getInfo().getFilename()).isEqualTo("Dockerfile");
    assertThat(warning.getRanges(0).getEnd().getLine()).isEqualTo(4);
  }

  /** The progress log joins encodings by writing one after the other. */
  @Test
  void joinedEncodingsDecodeAsOne() throws Exception {
    var log = new Progress.Log(VERTEX, 1, new byte[] {1}, Instant.EPOCH);
    byte[] one = new WireProgress().encode(List.of(log));
    byte[] two = new byte[one.length * 2];
    System.arraycopy(one, 0, two, 0, one.length);
    System.arraycopy(one, 0, two, one.length, one.length);
    assertThat(StatusResponse.parseFrom(two).getLogsCount()).isEqualTo(2);
  }
}
