package dev.kiln.cli.lend;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ContentFolderTest {
  @TempDir Path dir;

  @Test
  void aWriteThatGoesOnKeepsOtherProcessesOut() throws Exception {
    var folder = new ContentFolder(dir);
    try (var write = folder.write("ref")) {
      write.append(ByteBuffer.wrap(new byte[7]));
    }
    try (var write = folder.write("ref")) {
      assertThat(write.offset()).isEqualTo(7);
      assertThat(locks(data())).hasSize(1);
    }
    assertThat(locks(data())).isEmpty();
  }

  private Path data() throws Exception {
    try (var files = Files.walk(dir.resolve("ingest"))) {
      return files.filter(Files::isRegularFile).findFirst().orElseThrow();
    }
  }

  /** Of whatever process: lines of proc_locks(5). */
  private static java.util.List<String> locks(Path file) throws Exception {
    String inode = ":" + Files.getAttribute(file, "unix:ino") + " ";
    try (var lines = Files.lines(Path.of("/proc/locks"))) {
      return lines.filter(line -> line.contains("POSIX") && line.contains(inode)).toList();
    }
  }
}
