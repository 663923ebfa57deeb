package dev.kiln.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Any text is a Dockerfile or refused in words; with more than noise {@link DockerfileFuzzTest}.
 */
class ConverterFuzzTest {
  private static final ObjectNode IMAGES = JsonNodeFactory.instance.objectNode();

  static {
    IMAGES
        .putObject("docker.io/library/alpine:latest")
        .put("architecture", "amd64")
        .put("os", "linux");
  }

  @FuzzTest
  void anyTextIsConvertedOrRefused(byte[] bytes) throws InterruptedException {
    String text = new String(bytes, StandardCharsets.UTF_8);
    convert(text);
    convert("FROM alpine AS a\n" + text);
  }

  private static void convert(String text) throws InterruptedException {
    var files = Map.of("local://dockerfile", Map.of("Dockerfile", text));
    try {
      new DockerfileFrontend().solve(new FakeFrontendClient(IMAGES, files), Map.of(), Map.of());
    } catch (BuildException expected) {
      assertThat(expected.kind()).isNotEqualTo(Kind.INTERNAL);
      assertThat(expected.getMessage()).isNotBlank();
    }
  }
}
