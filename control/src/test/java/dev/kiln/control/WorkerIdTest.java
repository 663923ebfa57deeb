package dev.kiln.control;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkerIdTest {
  @TempDir Path folder;

  @Test
  void isKept() throws IOException {
    Path file = folder.resolve("state/workerid");
    String id = WorkerId.readOrMake(file);
    assertThat(id).matches("[0-9a-z]{25}");
    assertThat(WorkerId.readOrMake(file)).isEqualTo(id);
  }

  @Test
  void anIdOfBuildKitIsTakenOver() throws IOException {
    Path file = Files.writeString(folder.resolve("workerid"), "vlgu5nrtqbdqv1g0br23rzgpp");
    assertThat(WorkerId.readOrMake(file)).isEqualTo("vlgu5nrtqbdqv1g0br23rzgpp");
  }
}
