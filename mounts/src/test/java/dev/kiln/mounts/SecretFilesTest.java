package dev.kiln.mounts;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.exec.ContainerMount.Bind;
import dev.kiln.llb.MountOptions;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Fd;
import dev.kiln.sys.FileSystems;
import dev.kiln.sys.Stat;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Mounts memory: runs as root on Linux. */
class SecretFilesTest {
  @TempDir Path temp;

  @Test
  void aSecretIsAFileInMemoryWithExactlyItsModeAndGoesWithItsStep() throws Exception {
    byte[] value = "hush".getBytes(StandardCharsets.UTF_8);
    Path file;
    try (SecretFiles files = SecretFiles.create(temp)) {
      var plain = new MountOptions.Secret("id", 7, 8, 0400, false);
      Bind mount = (Bind) files.add("/run/secrets/id", plain, value);
      file = mount.root();
      assertThat(file).hasContent("hush");
      assertThat(value).as("the caller's bytes are wiped").containsOnly(0);
      Stat stat = Fd.CWD.stat(BytePath.of(file));
      assertThat(stat.permissions()).isEqualTo(0400);
      assertThat(stat.uid()).isEqualTo(7);
      assertThat(stat.gid()).isEqualTo(8);
      assertThat(FileSystems.space(file).type()).isEqualTo(FileSystems.TMPFS_MAGIC);
      assertThat(mount.readonly()).isTrue();
      assertThat(mount.options()).containsExactly("nodev", "nosuid", "noexec");
      var program = new MountOptions.Secret("id", 0, 0, 0500, false);
      assertThat(((Bind) files.add("/p", program, new byte[1])).options()).contains("exec");
    }
    assertThat(file).doesNotExist();
    try (var left = Files.list(temp)) {
      assertThat(left).isEmpty();
    }
  }
}
