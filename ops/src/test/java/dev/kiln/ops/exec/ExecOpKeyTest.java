package dev.kiln.ops.exec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.actors.CacheMap;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.llb.Definitions;
import dev.kiln.llb.ExecOp;
import dev.kiln.llb.Graph;
import dev.kiln.llb.Vertex;
import dev.kiln.model.Digest;
import dev.kiln.model.Platform;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * L-86, L-87, L-88. The file was printed by BuildKit v0.22's own exec op: a name, a definition, the
 * cache map's digest, and for each input its selector and whether it has a key by content.
 */
class ExecOpKeyTest {
  @TestFactory
  Stream<DynamicTest> keysAreBuildKits() throws IOException {
    List<String> lines;
    try (InputStream in =
        Objects.requireNonNull(ExecOpKeyTest.class.getResourceAsStream("cache-maps.tsv"))) {
      lines = new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
    return lines.stream()
        .map(line -> line.split("\t"))
        .map(f -> DynamicTest.dynamicTest(f[0], () -> check(f)));
  }

  private static void check(String[] fields) throws IOException {
    Graph graph =
        Definitions.parse(
                Definition.parseFrom(Base64.getDecoder().decode(fields[1])),
                new Platform("linux", "amd64", ""))
            .orElseThrow();
    Vertex vertex = graph.rootVertex();
    CacheMap map =
        ExecOpKey.cacheMap(
            (ExecOp) vertex.op(), vertex.platform().orElseThrow(), vertex.inputs().size());
    assertThat(map.digest().value()).isEqualTo(fields[2]);
    assertThat(map.deps().stream().map(ExecOpKeyTest::format))
        .containsExactlyElementsOf(Arrays.asList(fields).subList(3, fields.length));
  }

  private static String format(CacheMap.Dep dep) {
    return dep.selector().map(Digest::value).orElse("-") + "," + dep.hasContentKey();
  }

  @Test
  void commandsAreQuotedAsGoDoes() {
    assertThat(GoQuote.quote("a \"b\" \\ \n\t\u0001\u007f é\u2028\uD83D\uDE00"))
        .isEqualTo("\"a \\\"b\\\" \\\\ \\n\\t\\x01\\x7f é\\u2028\uD83D\uDE00\"");
  }
}
