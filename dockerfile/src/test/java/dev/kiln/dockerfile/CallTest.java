package dev.kiln.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.kiln.grpc.pb.Op;
import dev.kiln.llb.FrontendResult;
import dev.kiln.llb.SolveRequest;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Options that decide where a call looks and whether it answers itself (F-27, F-28, F-36, F-37).
 */
class CallTest {
  private static final String SYNTAX = "# syntax=example.com/frontend\nFROM scratch\nCOPY a /\n";

  private static FakeFrontendClient client(String source, String text) {
    return new FakeFrontendClient(
        JsonNodeFactory.instance.objectNode(), Map.of(source, Map.of("Dockerfile", text)));
  }

  private static List<String> sources(FakeFrontendClient client)
      throws InvalidProtocolBufferException {
    var all = new ArrayList<String>();
    for (SolveRequest solve : client.solves) {
      for (ByteString op : solve.definition().orElseThrow().getDefList()) {
        String source = Op.parseFrom(op).getSource().getIdentifier();
        if (!source.isEmpty() && !all.contains(source)) {
          all.add(source);
        }
      }
    }
    return all;
  }

  private static boolean forwards(String text, Map<String, String> opts)
      throws InterruptedException {
    FakeFrontendClient client = client("local://dockerfile", text);
    new DockerfileFrontend().solve(client, opts, Map.of());
    return client.solves.stream().anyMatch(solve -> solve.frontend().equals("gateway.v0"));
  }

  @Test
  void theDockerfilesFolderMayHaveAnotherName() throws Exception {
    FakeFrontendClient client = client("local://recipes", "FROM scratch\nCOPY a /\n");
    new DockerfileFrontend().solve(client, Map.of("dockerfilekey", "recipes"), Map.of());
    assertThat(sources(client)).containsExactly("local://recipes", "local://context");
  }

  @Test
  void theContextsOptionMayHaveAnotherName() throws Exception {
    FakeFrontendClient client =
        client("git://example.com/r.git#main:sub", "FROM scratch\nCOPY a /\n");
    new DockerfileFrontend()
        .solve(
            client,
            Map.of("contextkey", "where", "where", "https://example.com/r.git#main:sub"),
            Map.of());
    assertThat(sources(client)).containsExactly("git://example.com/r.git#main:sub");
  }

  @Test
  void whatWasForwardedOnceIsNotForwardedAgain() throws Exception {
    assertThat(forwards(SYNTAX, Map.of())).isTrue();
    assertThat(forwards(SYNTAX, Map.of("cmdline", "example.com/frontend"))).isFalse();
  }

  @Test
  void aNamedImageMayHaveWhatIsMissingHere() throws Exception {
    Map<String, String> forwardable = Map.of("frontend.caps", "some.day+forward");
    assertThat(forwards(SYNTAX, forwardable)).isTrue();
    assertThatThrownBy(() -> forwards("FROM scratch\n", forwardable))
        .hasMessage("unsupported frontend capability some.day");
    assertThatThrownBy(() -> forwards(SYNTAX, Map.of("frontend.caps", "some.day")))
        .hasMessage("unsupported frontend capability some.day");
  }

  @Test
  void describeTellsWhatCanBeAsked() throws Exception { // BuildKit v0.22 has no convertllb
    FrontendResult result =
        new DockerfileFrontend()
            .solve(
                client("local://dockerfile", "FROM scratch\n"),
                Map.of("requestid", "frontend.subrequests.describe"),
                Map.of());
    JsonNode all = new ObjectMapper().readTree(result.metadata().get("result.json"));
    var names = new ArrayList<String>();
    all.forEach(one -> names.add(one.path("name").asText()));
    assertThat(names)
        .containsExactly(
            "frontend.outline",
            "frontend.targets",
            "frontend.convertllb",
            "frontend.subrequests.describe");
    assertThat(new String(result.metadata().get("result.txt"), StandardCharsets.UTF_8))
        .startsWith("NAME ")
        .contains("outline ")
        .contains("subrequests.describe ");
  }
}
