package dev.kiln.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A build's own daemon, played by shell scripts. */
class PrivateDaemonTest {
  @TempDir Path temp;
  private final List<String> notes = new ArrayList<>();

  private PrivateDaemon start(Path root, String script) throws InterruptedException {
    return PrivateDaemon.start(List.of("sh", "-c", script, "daemon"), root, notes::add);
  }

  @Test
  void aDaemonThatEndsAtOnceIsToldWithItsLastWords() {
    String script = "for i in $(seq 100); do echo line $i; done; echo the reason >&2; exit 3";
    assertThatThrownBy(() -> start(temp, script))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("with code 3")
        .hasMessageContaining("line 100\nthe reason")
        .hasMessageNotContaining("line 10\n");
    assertThat(temp).isDirectoryNotContaining("glob:**.sock");
  }

  @Test
  void aStateFolderThatCannotBeMadeIsNamed() throws Exception {
    Path file = Files.writeString(temp.resolve("file"), "");
    assertThatThrownBy(() -> start(file.resolve("root"), "true"))
        .hasMessageContaining(file.resolve("root").toString())
        .hasMessageContaining("--root")
        .hasMessageContaining("--addr");
  }

  @Test
  void afterAFailedStartTheFolderIsFreeAgain() {
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> start(temp, "exit 1")).hasMessageContaining("code 1");
    }
    assertThat(notes).isEmpty();
  }
}
