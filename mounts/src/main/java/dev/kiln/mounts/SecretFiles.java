package dev.kiln.mounts;

import dev.kiln.exec.ContainerMount;
import dev.kiln.llb.MountOptions;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Mount;
import dev.kiln.sys.Mounts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The secrets of one step as files in memory, which never reach a disk. One thread; who made it
 * closes it, which takes the memory away.
 */
final class SecretFiles implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SecretFiles.class);
  private static final int EXECUTE_BITS = 0111;
  private final Path directory;
  private int count;

  private SecretFiles(Path directory) {
    this.directory = directory;
  }

  static SecretFiles create(Path below) throws IOException {
    Path directory = Files.createTempDirectory(below, "secrets-");
    try {
      Mounts.mount(
          new Mount("tmpfs", "tmpfs", List.of("nodev", "nosuid", "noexec", "mode=0711")),
          directory);
    } catch (IOException e) {
      Files.delete(directory);
      throw e;
    }
    return new SecretFiles(directory);
  }

  /** Adds a file; the bytes are wiped. */
  ContainerMount add(String destination, MountOptions.Secret secret, byte[] value)
      throws IOException {
    Path file = directory.resolve("s" + count++);
    int mode = secret.mode() & 0777;
    try (Fd fd = Fd.CWD.create(BytePath.of(file), 0600)) {
      fd.write(value, 0, value.length);
      fd.chown(secret.uid(), secret.gid());
      fd.chmod(mode);
    } finally {
      Arrays.fill(value, (byte) 0);
    }
    var options = new ArrayList<>(List.of("nodev", "nosuid"));
    options.add((mode & EXECUTE_BITS) == 0 ? "noexec" : "exec");
    return new ContainerMount.Bind(destination, file, "", true, options);
  }

  @Override
  public void close() {
    try {
      Mounts.unmount(directory, Mounts.MNT_DETACH);
      Files.delete(directory);
    } catch (IOException e) {
      LOG.warn("secrets of a step stay in memory until the next start: {}", e.getMessage());
    }
  }
}
