package dev.kiln.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DescentTest {
  private static final int DEEP = 5_000;
  private static final BytePath NAME = BytePath.of("d");
  private static final BytePath TOP = BytePath.of("top");

  @TempDir Path temp;

  private static long openDescriptors() throws Exception {
    try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
      return all.count();
    }
  }

  /** Folders in each other, a file of a block in the last. */
  private void deep(Fd dir, int depth) throws Exception {
    dir.mkdir(TOP, 0755);
    try (var at = new Descent(dir)) {
      at.enter(TOP);
      for (int i = 1; i < depth; i++) {
        at.here().mkdir(NAME, 0755);
        at.enter(NAME);
      }
      try (Fd file = at.here().open(BytePath.of("f"), Open.WRONLY | Open.CREAT, 0644)) {
        file.write(new byte[4096], 0, 4096);
      }
    }
  }

  @Test
  void aTreeOfAnyDepthIsCountedAndRemoved() throws Exception {
    long before = openDescriptors();
    try (Fd dir = Fd.directory(temp)) {
      deep(dir, DEEP);
      assertThat(Directories.occupiedBytes(dir, TOP)).isPositive();
      Directories.removeTree(dir, TOP);
      assertThat(dir.list()).isEmpty();
    }
    assertThat(openDescriptors()).isLessThanOrEqualTo(before);
  }

  @Test
  void fewDescriptorsAreOpenAtAnyDepthAndTheWayBackIsTheSame() throws Exception {
    try (Fd dir = Fd.directory(temp);
        var at = new Descent(dir)) {
      deep(dir, 500);
      long before = openDescriptors();
      at.enter(TOP);
      Stat top = at.here().stat();
      for (int i = 1; i < 500; i++) {
        at.enter(NAME);
      }
      assertThat(openDescriptors() - before).isLessThanOrEqualTo(Descent.OPEN + 1);
      assertThat(at.here().about().length()).as("what is said of it").isLessThan(5000);
      while (at.depth() > 1) {
        at.leave();
      }
      assertThat(at.here().stat().inode()).isEqualTo(top.inode());
      at.leave();
      assertThat(at.here()).isSameAs(dir);
    }
  }

  @Test
  void aDirectoryThatWasMovedMeanwhileIsNotLeftForAnother() throws Exception {
    try (Fd dir = Fd.directory(temp);
        var at = new Descent(dir)) {
      deep(dir, 200);
      at.enter(TOP);
      at.enter(NAME);
      while (at.depth() < 200) {
        at.enter(NAME);
      }
      try (var other = new Descent(dir)) {
        for (int i = 0; i < 100; i++) {
          other.enter(i == 0 ? TOP : NAME);
        }
        other.here().rename(NAME, dir, BytePath.of("elsewhere"), 0);
      }
      assertThatThrownBy(
              () -> {
                while (at.depth() > 0) {
                  at.leave();
                }
              })
          .isInstanceOf(SyscallException.class)
          .hasMessageContaining("stale file handle");
    }
  }

  @Test
  void linksAreNotEntered() throws Exception {
    Files.createDirectory(temp.resolve("real"));
    Files.createSymbolicLink(temp.resolve("link"), Path.of("real"));
    try (Fd dir = Fd.directory(temp);
        var at = new Descent(dir)) {
      assertThatThrownBy(() -> at.enter(BytePath.of("link")))
          .hasMessageContaining("not a directory");
      assertThat(at.depth()).isZero();
      Directories.removeTree(dir, BytePath.of("link"));
    }
    assertThat(temp.resolve("real")).exists();
  }

  @Test
  void wideDirectoriesAreCountedAndRemoved() throws Exception {
    try (Fd dir = Fd.directory(temp)) {
      dir.mkdir(TOP, 0755);
      try (Fd top = Fd.directory(temp.resolve("top"))) {
        for (int i = 0; i < 5_000; i++) {
          top.mknod(BytePath.of("a-rather-long-name-" + i), Stat.S_IFREG | 0600, Stat.Device.NONE);
        }
        for (int i = 0; i < 50; i++) {
          Files.createDirectories(temp.resolve("top/folder-" + i + "/below"));
        }
        Files.writeString(temp.resolve("top/one"), "x".repeat(4096));
        long once = Directories.occupiedBytes(dir, TOP);
        Files.createLink(temp.resolve("top/two"), temp.resolve("top/one"));
        assertThat(Directories.occupiedBytes(dir, TOP))
            .as("a hard link counts once")
            .isEqualTo(once);
      }
      Directories.removeTree(dir, TOP);
      assertThat(dir.list()).isEmpty();
      assertThat(Directories.occupiedBytes(dir, TOP)).isZero();
    }
  }

  @Test
  void missingParentsAreMadeHoweverMany() throws Exception {
    var name = BytePath.of("n" + "/n".repeat(1500));
    try (Fd dir = Fd.directory(temp)) {
      Directories.makeAll(dir, name, 0755);
      Directories.makeAll(dir, name, 0755);
      assertThat(dir.stat(name).isDirectory()).isTrue();
      Directories.removeTree(dir, BytePath.of("n"));
      Files.writeString(temp.resolve("file"), "");
      assertThatThrownBy(() -> Directories.makeAll(dir, BytePath.of("file/below"), 0755))
          .hasMessageContaining("not a directory");
    }
  }
}
