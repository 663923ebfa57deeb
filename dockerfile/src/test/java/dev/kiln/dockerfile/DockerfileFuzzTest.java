package dev.kiln.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.kiln.dockerfile.syntax.DockerfileParser;
import dev.kiln.dockerfile.syntax.LocatedException;
import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.Kind;
import dev.kiln.model.SourceRange;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Any bytes give a Dockerfile or a positioned error, never a crash or a hang. */
class DockerfileFuzzTest {
  private static final long SEED = Long.getLong("fuzz.seed", System.nanoTime());
  private static final Path GOLDEN = Path.of("src/test/resources/golden");

  /** Failures that are of the file as a whole, and so have no line. */
  private static final List<String> WHOLE_FILE =
      List.of(
          "the Dockerfile cannot be empty",
          "dockerfile contains no stages to build",
          "failed to parse check options",
          "lint violation found for rules");

  private static final List<String> PIECES =
      List.of(
          "FROM ",
          "RUN ",
          "COPY ",
          "ADD ",
          "ENV ",
          "ARG ",
          "ONBUILD ",
          "HEALTHCHECK ",
          "EXPOSE ",
          "LABEL ",
          "VOLUME ",
          "SHELL ",
          "alpine",
          "scratch",
          " AS s",
          "\n",
          "\\\n",
          "\r\n",
          "# ",
          "# escape=`\n",
          "<<EOF",
          "<<-'E'",
          "\nEOF\n",
          "$A",
          "${A",
          ":-",
          "}",
          "//",
          "%%",
          "\"",
          "'",
          "\\",
          "`",
          "[\"a\"",
          "]",
          "{",
          "--from=0 ",
          "--mount=type=",
          "cache,",
          "target=/x ",
          "--platform=",
          "--chmod=",
          "7",
          "=",
          " ",
          "\t",
          "\0",
          "\ufeff",
          "é",
          "\ud83d\ude00",
          "80");

  @Test
  void anyBytesParseOrFailWithAPlace() {
    var random = new Random(SEED);
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = new byte[random.nextInt(60)];
      random.nextBytes(bytes);
      String text =
          random.nextBoolean() ? new String(bytes, StandardCharsets.UTF_8) : pieces(random);
      int lines = text.split("\n", -1).length;
      try {
        DockerfileParser.parse(text);
      } catch (LocatedException e) {
        assertThat(e.places()).isNotEmpty();
        e.places()
            .forEach(place -> place.forEach(r -> assertThat(r.startLine()).isBetween(0, lines)));
      } catch (RuntimeException e) {
        fail("seed " + SEED + ": " + text, e);
      }
    }
  }

  @Test
  void anyFileConvertsOrFailsInWords() throws InterruptedException {
    var random = new Random(SEED);
    ObjectNode images = JsonNodeFactory.instance.objectNode();
    images
        .putObject("docker.io/library/alpine:latest")
        .put("architecture", "amd64")
        .put("os", "linux");
    for (int i = 0; i < 3_000; i++) {
      String text = "FROM alpine AS s\n" + pieces(random);
      Map<String, Map<String, String>> files = new HashMap<>();
      files.put("local://dockerfile", Map.of("Dockerfile", text));
      try {
        new DockerfileFrontend().solve(new FakeFrontendClient(images, files), Map.of(), Map.of());
      } catch (BuildException e) {
        assertThat(e.getMessage()).isNotBlank();
        assertThat(e.kind()).as(text).isNotEqualTo(Kind.INTERNAL);
      } catch (RuntimeException e) {
        fail("seed " + SEED + ": " + text, e);
      }
    }
  }

  /** Files that are almost right come further than noise: every golden file with a few changes. */
  @Test
  @Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void changedFilesConvertOrFailWithAPlace() throws Exception {
    var random = new Random(SEED);
    ObjectNode images =
        (ObjectNode) new ObjectMapper().readTree(Files.readString(GOLDEN.resolve("images.json")));
    List<Path> all;
    try (Stream<Path> files = Files.list(GOLDEN)) {
      all = files.filter(f -> f.toString().endsWith(".Dockerfile")).sorted().toList();
    }
    for (int i = 0; i < 5_000; i++) {
      String text = changed(Files.readString(all.get(random.nextInt(all.size()))), random);
      check(text, images);
    }
  }

  private static void check(String text, ObjectNode images) throws InterruptedException {
    Map<String, Map<String, String>> files = new HashMap<>();
    files.put("local://dockerfile", Map.of("Dockerfile", text));
    int lines = text.split("\n", -1).length;
    try {
      new DockerfileFrontend().solve(new FakeFrontendClient(images, files), Map.of(), Map.of());
    } catch (BuildException e) {
      assertThat(e.kind()).as(shown(text)).isNotEqualTo(Kind.INTERNAL);
      var places = new ArrayList<SourceRange>();
      for (Detail detail : e.details()) {
        if (detail instanceof Detail.SourceLocation location) {
          places.addAll(location.ranges());
        }
      }
      if (WHOLE_FILE.stream().noneMatch(e.getMessage()::contains)) {
        assertThat(places).as("seed %s: %s in: %s", SEED, e.getMessage(), shown(text)).isNotEmpty();
      }
      assertThat(places)
          .as("seed %s: %s", SEED, shown(text))
          .allSatisfy(place -> assertThat(place.endLine()).isBetween(1, lines));
    } catch (RuntimeException | StackOverflowError e) {
      fail("seed " + SEED + ": " + shown(text), e);
    }
  }

  private static String shown(String text) {
    return text.length() < 5_000 ? text : text.substring(0, 200) + "…";
  }

  private static String changed(String text, Random random) {
    var out = new StringBuilder(text);
    for (int k = 1 + random.nextInt(4); k > 0; k--) {
      int at = random.nextInt(out.length() + 1);
      int end = Math.min(out.length(), at + random.nextInt(12));
      switch (random.nextInt(4)) {
        case 0 -> out.delete(at, end);
        case 1 -> out.insert(at, PIECES.get(random.nextInt(PIECES.size())));
        case 2 -> out.insert(random.nextInt(out.length() + 1), out.substring(at, end));
        default -> out.replace(at, end, PIECES.get(random.nextInt(PIECES.size())));
      }
    }
    return out.toString();
  }

  @ParameterizedTest
  @ValueSource(strings = {"ENV a=|${b:-", "ENV a=|${b/a/", "|ONBUILD ", "RUN |[", "COPY |<<E "})
  @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void deepNestingIsRefusedInWords(String form) throws InterruptedException {
    String[] parts = form.split("\\|", -1);
    check(
        "FROM scratch\n" + parts[0] + parts[1].repeat(100_000) + "\n",
        new ObjectMapper().createObjectNode());
  }

  private static String pieces(Random random) {
    var text = new StringBuilder();
    int count = random.nextInt(14);
    for (int i = 0; i < count; i++) {
      text.append(PIECES.get(random.nextInt(PIECES.size())));
    }
    return text.toString();
  }
}
