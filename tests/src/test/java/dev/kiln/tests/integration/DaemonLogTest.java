package dev.kiln.tests.integration;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.kiln.tests.support.Buildctl;
import dev.kiln.tests.support.Clients;
import dev.kiln.tests.support.Collector;
import dev.kiln.tests.support.Distribution;
import dev.kiln.tests.support.Distribution.Run;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** What an operator reads of a daemon's day: each event one line of one form, no secrets. */
class DaemonLogTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path dir;

  private static List<JsonNode> lines(Distribution daemon) throws Exception {
    var all = new ArrayList<JsonNode>();
    for (String line : daemon.log().lines().toList()) {
      all.add(JSON.readTree(line)); // each one is an object, or this throws
    }
    return all;
  }

  private static List<JsonNode> said(Distribution daemon, String message) throws Exception {
    return lines(daemon).stream().filter(line -> line.get("msg").asText().equals(message)).toList();
  }

  @Test
  void buildsPrunesAndFailedHandshakesAreOneLineEach() throws Exception {
    int port = Collector.freePort();
    try (var daemon =
        Distribution.start(
            dir,
            Map.of("KILN_WARM_UP", "on"),
            "--log-format=json",
            "--addr",
            "unix://" + dir.resolve("sock"),
            "--addr",
            "tcp://127.0.0.1:" + port)) {
      Clients.eventually(
          Duration.ofSeconds(60),
          () -> daemon.log().contains("warmed up"),
          () -> "the warm-up does not end");
      assertThat(lines(daemon))
          .filteredOn(line -> !line.get("level").asText().equals("info"))
          .as(
              "above info, but for the address without TLS and what is wrong with this machine's runc")
          .extracting(line -> line.get("msg").asText())
          .allMatch(text ->
              text.startsWith("tcp://127.0.0.1:" + port + " has no TLS")
                  || text.contains("install runc"));
      assertThat(daemon.log())
          .contains("running server on unix://" + dir.resolve("sock"))
          .contains("running server on tcp://127.0.0.1:" + port);

      Buildctl client = Buildctl.of(daemon);
      Path context =
          Buildctl.context(
              dir.resolve("context"),
              Buildctl.BASE + "ARG TOKEN\nRUN echo one\nRUN [ \"$TOKEN\" != hunter2 ]\n");
      for (String token : List.of("a", "a", "hunter2")) {
        Run run =
            Distribution.await(client.build(context, "--opt=build-arg:TOKEN=" + token).start());
        assertThat(run.code() == 0).as(run.output()).isEqualTo(token.equals("a"));
      }
      Run prune = client.run("prune", "--all");
      assertThat(prune.code()).as(prune.output()).isZero();
      try (var stranger = new Socket("127.0.0.1", port)) {
        stranger
            .getOutputStream()
            .write("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        Clients.eventually(
            Duration.ofSeconds(10),
            () -> !said(daemon, "failed handshake").isEmpty(),
            () -> "nobody tells of the handshake");
        JsonNode failed = said(daemon, "failed handshake").getFirst();
        assertThat(failed.get("peer").asText())
            .isEqualTo("tcp://127.0.0.1:" + stranger.getLocalPort());
        assertThat(failed.get("reason").asText()).contains("HTTP/2");
      }

      List<JsonNode> builds = said(daemon, "build ended");
      assertThat(builds)
          .extracting(line -> line.get("result").asText())
          .as("builds of the warm-up are nobody's")
          .containsExactly("OK", "OK", "UNKNOWN");
      assertThat(builds)
          .extracting(line -> line.get("frontend").asText())
          .as("which the client called itself")
          .containsOnly("dockerfile.v0");
      assertThat(builds.get(0).get("run").asInt()).isPositive();
      assertThat(builds.get(1).get("cached").asInt()).isPositive();
      assertThat(builds.get(2).get("reason").asText()).isEqualTo("exit code: 1");
      assertThat(builds)
          .allMatch(line -> line.get("ref").asText().length() > 8 && line.get("ms").isNumber());
      assertThat(said(daemon, "cache pruned"))
          .singleElement()
          .satisfies(line -> assertThat(line.get("bytes").asLong()).isPositive());
      assertThat(daemon.log()).doesNotContain("hunter2");
      daemon.closeClean();
    }
  }
}
