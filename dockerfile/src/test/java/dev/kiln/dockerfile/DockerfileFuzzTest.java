package dev.kiln.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.kiln.dockerfile.syntax.DockerfileParser;
import dev.kiln.dockerfile.syntax.LocatedException;
import dev.kiln.model.BuildException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Any bytes give a Dockerfile or a positioned error, never a crash or a hang. */
class DockerfileFuzzTest {
  private static final long SEED = Long.getLong("fuzz.seed", System.nanoTime());
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
        assertThat(e.kind()).as(text).isNotEqualTo(dev.kiln.model.Kind.INTERNAL);
      } catch (RuntimeException e) {
        fail("seed " + SEED + ": " + text, e);
      }
    }
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
