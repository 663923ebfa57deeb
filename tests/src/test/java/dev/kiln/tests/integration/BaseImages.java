package dev.kiln.tests.integration;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The images on which the compared Dockerfiles stand, made of this machine's busybox. Stateless.
 */
final class BaseImages {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String COMMANDS =
      "sh ash cat cp echo env id ls mkdir mkfifo ln rm rmdir touch chmod chown stat test [ true false"
          + " wc awk grep sort df pwd printf uname sed head find mv sleep";
  private static final String PASSWD =
      """
      root:x:0:0:root:/root:/bin/sh
      daemon:x:1:1:daemon:/drop:/bin/sh
      worker:x:1000:1000:worker:/home/worker:/bin/sh
      """;
  private static final String GROUP =
      """
      root:x:0:
      daemon:x:1:
      staff:x:50:worker,daemon
      more:x:77:worker
      worker:x:1000:
      """;
  private static final String TOOLBOX =
      """
      {"created": "2020-01-01T00:00:00Z",
       "config": {"Env": ["PATH=/bin"]},
       "history": [{"created": "2020-01-01T00:00:00Z", "created_by": "made by a test"}]}
      """;
  private static final String RICH =
      """
      {"created": "2020-01-01T00:00:00.123456789Z",
       "author": "Base Author",
       "config": {
         "User": "worker",
         "ExposedPorts": {"80/tcp": {}},
         "Env": ["PATH=/bin", "BASE_VARIABLE=from base"],
         "Entrypoint": ["/bin/entry", "x"],
         "Cmd": ["default", "words"],
         "Healthcheck": {"Test": ["CMD", "check"], "Interval": 1000000000, "Retries": 2},
         "Volumes": {"/base-volume": {}},
         "WorkingDir": "/base",
         "Labels": {"base": "yes", "keep": "me"},
         "StopSignal": "SIGINT",
         "Shell": ["/bin/sh", "-ec"]},
       "history": [
         {"created": "2020-01-01T00:00:00Z", "created_by": "first", "comment": "a comment"},
         {"created": "2020-01-01T00:00:00Z", "created_by": "empty", "author": "Someone",
          "empty_layer": true},
         {"created": "2020-01-01T00:00:00.123456789Z", "created_by": "second"}]}
      """;
  private static final String TRIGGERS =
      """
      ["RUN echo image > /trigger", "COPY a.txt /triggered", "ENV triggered=image",
       "RUN <<EOF\\necho heredoc > /heredoc\\nEOF"]
      """;

  private BaseImages() {}

  /** {@code toolbox} with a shell, {@code rich} with every setting, {@code triggers}. */
  static void addTo(ImageHost host) throws IOException {
    byte[] tools = tools();
    byte[] second =
        TarBytes.of(SharedContext.WRITTEN, List.of(TarBytes.directory("base/", 0755, 1000, 1000)));
    var toolbox = (ObjectNode) JSON.readTree(TOOLBOX);
    host.add("toolbox", toolbox, List.of(tools), List.of("amd64", "arm64"));
    host.add("rich", (ObjectNode) JSON.readTree(RICH), List.of(tools, second), List.of("amd64"));
    ObjectNode triggers = toolbox.deepCopy();
    JsonNode onBuild = JSON.readTree(TRIGGERS);
    triggers.withObject("config").set("OnBuild", onBuild);
    host.add("triggers", triggers, List.of(tools), List.of("amd64"));
  }

  private static byte[] tools() throws IOException {
    var entries = new ArrayList<TarBytes.Entry>();
    for (String folder : List.of("bin/", "dev/", "etc/", "home/", "proc/", "sys/")) {
      entries.add(TarBytes.directory(folder, 0755, 0, 0));
    }
    entries.add(TarBytes.directory("root/", 0700, 0, 0));
    entries.add(TarBytes.directory("tmp/", 01777, 0, 0));
    entries.add(TarBytes.file("etc/passwd", 0644, 0, 0, PASSWD));
    entries.add(TarBytes.file("etc/group", 0644, 0, 0, GROUP));
    entries.add(
        TarBytes.file("bin/busybox", 0755, 0, 0, Files.readAllBytes(Path.of("/bin/busybox"))));
    for (String command : COMMANDS.split(" ", -1)) {
      entries.add(TarBytes.link("bin/" + command, "busybox"));
    }
    return TarBytes.of(SharedContext.WRITTEN, entries);
  }
}
