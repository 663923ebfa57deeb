package dev.kiln.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is wrong with a file is told with the flag that named it, before a daemon is asked. */
class GivenFilesTest {
  @TempDir Path temp;
  private Path context;
  private Path file;
  private String missing = "";

  @BeforeEach
  void files() throws Exception {
    context = Files.createDirectory(temp.resolve("context"));
    Files.writeString(context.resolve("Dockerfile"), "FROM scratch\n");
    file = Files.writeString(temp.resolve("file"), "x");
    missing = temp.resolve("missing").toString();
  }

  private static String build(List<String> args) {
    var said = new ByteArrayOutputStream();
    PrintStream before = System.err;
    System.setErr(new PrintStream(said, true, StandardCharsets.UTF_8));
    try {
      var all = new ArrayList<>(args);
      all.addFirst("build");
      if (!args.contains("--addr")) {
        all.addAll(List.of("--addr", "unix:///nobody/listens"));
      }
      assertThat(KilnCommand.run(all.toArray(String[]::new))).as("exit code").isEqualTo(2);
    } finally {
      System.setErr(before);
    }
    return said.toString(StandardCharsets.UTF_8).strip();
  }

  private String with(String... flags) {
    var all = new ArrayList<>(List.of(flags));
    all.add(context.toString());
    return build(all);
  }

  @Test
  void contextsAndDockerfiles() {
    assertThat(build(List.of(missing)))
        .isEqualTo("error: the context " + missing + ": no such file or directory");
    assertThat(build(List.of(file.toString())))
        .isEqualTo("error: the context " + file + ": not a directory");
    assertThat(build(List.of(temp.toString())))
        .startsWith("error: the Dockerfile " + temp + "/Dockerfile: no such file");
    assertThat(with("--file", missing)).startsWith("error: --file " + missing + ": no such file");
    assertThat(with("--file", temp.toString()))
        .isEqualTo("error: --file " + temp + ": is a directory");
    assertThat(with("--build-context", "more=" + missing))
        .startsWith("error: --build-context more=" + missing + ": no such file");
  }

  @Test
  void secretsAgentsAndOutputs() {
    assertThat(with("--secret", "id=s,src=" + missing))
        .startsWith("error: --secret id=s,src=" + missing + ": no such file");
    assertThat(with("--secret", "id=s,src=" + temp)).endsWith("is a directory");
    assertThat(with("--ssh", "a=" + missing))
        .startsWith("error: --ssh a=" + missing + ": no such file");
    assertThat(with("--ssh", "a=" + file)).contains("--ssh a=" + file + ": not a socket");
    assertThat(with("--output", "type=oci,dest=" + temp))
        .isEqualTo("error: --output dest=" + temp + ": is a directory");
    assertThat(with("--output", "type=local,dest=" + file)).endsWith("not a directory");
    assertThat(with("--output", "type=local,dest=" + file + "/under/it"))
        .isEqualTo("error: --output dest=" + file + "/under/it: " + file + " is not a directory");
    assertThat(with("--metadata-file", temp.toString()))
        .isEqualTo("error: --metadata-file " + temp + ": is a directory");
  }

  @Test
  void filesForTls() {
    String tcp = "tcp://localhost:1";
    assertThat(with("--addr", tcp, "--tlscacert", missing))
        .contains("error: --tlscacert " + missing + ": no such file");
    assertThat(with("--addr", tcp, "--tlscacert", file.toString()))
        .contains("error: --tlscacert " + file + " holds no certificate");
    assertThat(with("--addr", tcp, "--tlscert", file.toString())).contains("go together");
    assertThat(with("--tlscacert", file.toString())).contains("are for tcp:// daemons");
  }

  @Test
  void addressesThatAreNone() {
    for (String address :
        List.of(
            "/run/x.sock", "tcp://host", "tcp://host:0", "tcp://::1:99", "tcp://h:x", "unix://")) {
      assertThat(with("--addr", address)).as(address).contains("address '" + address + "'");
    }
    assertThat(with("--addr", "unix:///" + "x".repeat(200))).contains("at most 107 bytes");
  }
}
