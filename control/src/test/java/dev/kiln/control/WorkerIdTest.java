package dev.kiln.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.sys.BytePath;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
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
  @Timeout(value = 20, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void whatIsNoFileIsNotWaitedFor() throws IOException {
    Path file = folder.resolve("workerid");
    Fd.CWD.mknod(BytePath.of(file), Stat.S_IFIFO | 0600, Stat.Device.NONE);
    assertThat(WorkerId.readOrMake(file)).hasSize(25).isEqualTo(WorkerId.readOrMake(file));
  }

  @Test
  void anIdOfBuildKitIsTakenOver() throws IOException {
    Path file = Files.writeString(folder.resolve("workerid"), "vlgu5nrtqbdqv1g0br23rzgpp");
    assertThat(WorkerId.readOrMake(file)).isEqualTo("vlgu5nrtqbdqv1g0br23rzgpp");
  }
}
