package dev.kiln.dockerfile;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.Map;

/** A file of 2,000 lines and 100 stages, each on the one before. Stateless. */
final class LargeDockerfile {
  private LargeDockerfile() {}

  static String text() {
    var text = new StringBuilder();
    for (int stage = 0; stage < 100; stage++) {
      text.append("FROM ").append(stage == 0 ? "alpine" : "s" + (stage - 1)).append(" AS s");
      text.append(stage).append('\n');
      for (int line = 0; line < 19; line++) {
        text.append(
            switch (line % 5) {
              case 0 -> "ENV K" + stage + "_" + line % 3 + "=\"v $PATH\"\n";
              case 1 -> "ARG A" + line + "=${K0_0:-x}\n";
              case 2 -> "COPY --chown=1:2 a" + line + " /dst/\n";
              case 3 -> "RUN --mount=type=cache,target=/c make " + line + " && echo $A1\n";
              default -> "WORKDIR /w" + line + "\n";
            });
      }
    }
    return text.toString();
  }

  /** A daemon that has the file and the image on which it stands. */
  static FakeFrontendClient client(String text) {
    ObjectNode images = JsonNodeFactory.instance.objectNode();
    images
        .putObject("docker.io/library/alpine:latest")
        .put("architecture", "amd64")
        .put("os", "linux")
        .putObject("rootfs")
        .putArray("diff_ids")
        .add("sha256:" + "1".repeat(64));
    Map<String, Map<String, String>> files = new HashMap<>();
    files.put("local://dockerfile", Map.of("Dockerfile", text));
    return new FakeFrontendClient(images, files);
  }
}
