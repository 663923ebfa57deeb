package dev.kiln.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.pb.FileAction;
import dev.kiln.grpc.pb.Op;
import dev.kiln.llb.FrontendResult;
import dev.kiln.model.Digest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What came after BuildKit v0.22 and so has no golden files: ADD --unpack, the LLB of a file. */
class LaterFeaturesTest {
  private static FakeFrontendClient client(String text) {
    return new FakeFrontendClient(
        JsonNodeFactory.instance.objectNode(),
        Map.of("local://dockerfile", Map.of("Dockerfile", text)));
  }

  private static Definition definition(String text) throws InterruptedException {
    FakeFrontendClient client = client(text);
    new DockerfileFrontend().solve(client, Map.of(), Map.of());
    return client.solves.getLast().definition().orElseThrow();
  }

  private static List<Boolean> unpacks(String instruction) throws Exception {
    var all = new ArrayList<Boolean>();
    for (var bytes : definition("FROM scratch\n" + instruction + "\n").getDefList()) {
      for (FileAction action : Op.parseFrom(bytes).getFile().getActionsList()) {
        all.add(action.getCopy().getAttemptUnpackDockerCompatibility());
      }
    }
    return all;
  }

  @Test
  void addUnpacksAsToldAndElseOnlyWhatIsLocal() throws Exception {
    assertThat(unpacks("ADD a.tar /")).containsExactly(true);
    assertThat(unpacks("ADD --unpack=false a.tar /")).containsExactly(false);
    assertThat(unpacks("ADD --unpack a.tar /")).containsExactly(true);
    assertThat(unpacks("ADD https://example.com/a.tar /")).containsExactly(false);
    assertThat(unpacks("ADD --unpack=true https://example.com/a.tar /")).containsExactly(true);
    assertThat(unpacks("COPY a.tar /")).containsExactly(false);
  }

  @Test
  void theDefinitionIsToldInsteadOfSolved() throws Exception {
    String text = "FROM scratch\nADD https://example.com/a /\n";
    FakeFrontendClient client = client(text);
    FrontendResult result =
        new DockerfileFrontend()
            .solve(client, Map.of("requestid", "frontend.convertllb"), Map.of());
    assertThat(client.solves)
        .as("what it tells is not solved")
        .noneMatch(solve -> solve.definition().orElseThrow().getDefCount() > 2);
    JsonNode told = new ObjectMapper().readTree(result.metadata().get("result.json"));
    var digests = new ArrayList<String>();
    definition(text).getDefList().forEach(op -> digests.add(Digest.of(op.toByteArray()).value()));
    assertThat(told.path("def").properties().stream().map(Map.Entry::getKey))
        .containsExactlyInAnyOrderElementsOf(digests);
    assertThat(told.path("def").toString()).contains("\"identifier\":\"https://example.com/a\"");
    assertThat(told.path("metadata").size()).isEqualTo(digests.size());
    assertThat(told.path("source").path("infos").get(0).path("language").asText())
        .isEqualTo("Dockerfile");
    assertThat(
            new String(result.metadata().get("version"), java.nio.charset.StandardCharsets.UTF_8))
        .isEqualTo("0.1.0");
  }
}
