package dev.kiln.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs as root on Linux: mounts and devices are real. */
class SysTest {
  @TempDir Path temp;

  private static BytePath p(String name) {
    return BytePath.of(name);
  }

  @Test
  void aRefusedCallNamesCallPathAndReason() {
    assertThatThrownBy(() -> Fd.CWD.mkdir(p(temp + "/a/b"), 0755))
        .isInstanceOf(SyscallException.class)
        .hasMessage("mkdirat " + temp + "/a/b: no such file or directory");
  }

  @Test
  void filesKeepEveryAttribute() throws Exception {
    try (Fd dir = Fd.directory(temp)) {
      try (Fd file = dir.open(p("f"), Open.RDWR | Open.CREAT | Open.EXCL, 0600)) {
        file.write("hello".getBytes(StandardCharsets.UTF_8), 0, 5);
        file.chown(7, 8);
        file.chmod(04755);
        file.utimes(-5, 250);
      }
      Stat stat = dir.stat(p("f"));
      assertThat(stat.isRegular()).isTrue();
      assertThat(stat.permissions()).isEqualTo(04755);
      assertThat(stat.uid()).isEqualTo(7);
      assertThat(stat.gid()).isEqualTo(8);
      assertThat(stat.sizeBytes()).isEqualTo(5);
      assertThat(stat.mtimeSeconds()).isEqualTo(-5);
      assertThat(stat.mtimeNanos()).isEqualTo(250);

      dir.symlink(p("/nowhere"), p("s"));
      dir.utimes(p("s"), 77, 999_999_999);
      dir.chown(p("s"), 3, 4);
      assertThat(dir.readlink(p("s"))).isEqualTo(p("/nowhere"));
      assertThat(dir.stat(p("s")).mtimeNanos()).isEqualTo(999_999_999);
      assertThat(dir.stat(p("s")).gid()).isEqualTo(4);

      dir.mknod(p("d"), Stat.S_IFCHR | 0600, new Stat.Device(259, 70000));
      assertThat(dir.stat(p("d")).rdev()).isEqualTo(new Stat.Device(259, 70000));
      dir.mknod(p("w"), Stat.S_IFCHR, Stat.Device.NONE);
      assertThat(dir.stat(p("w")).isWhiteout()).isTrue();

      dir.link(p("f"), dir, p("g"));
      assertThat(dir.stat(p("g")).inode()).isEqualTo(stat.inode());
      assertThat(dir.stat(p("g")).nlink()).isEqualTo(2);
      dir.rename(p("g"), dir, p("h"), Fd.RENAME_NOREPLACE);
      assertThat(dir.exists(p("g"))).isFalse();
      dir.unlink(p("h"));
    }
  }

  @Test
  void namesThatAreNotUtf8Survive() throws Exception {
    var odd = BytePath.ofBytes(new byte[] {'x', (byte) 0xff, (byte) 0xc3});
    try (Fd dir = Fd.directory(temp)) {
      dir.mkdir(odd, 0755);
      dir.mkdir(p("é"), 0755);
      dir.mkdir(p("a"), 0755);
      assertThat(dir.list().stream().map(Dirent::name)).containsExactly(p("a"), odd, p("é"));
      assertThat(dir.list().getFirst().isDirectory()).isTrue();
      assertThat(BytePath.ofLatin1(odd.latin1())).isEqualTo(odd);
      Directories.removeTree(dir, odd);
      assertThat(dir.exists(odd)).isFalse();
    }
  }

  @Test
  void aLongListingIsComplete() throws Exception {
    try (Fd dir = Fd.directory(temp)) {
      for (int i = 0; i < 5000; i++) {
        dir.mknod(p("file-with-a-rather-long-name-" + i), Stat.S_IFREG | 0644, Stat.Device.NONE);
      }
      assertThat(dir.list()).hasSize(5000);
      assertThat(dir.list()).as("a second listing starts anew").hasSize(5000);
    }
  }

  @Test
  void linksStayInTheRoot() throws Exception {
    Files.createDirectories(temp.resolve("root/etc"));
    Files.writeString(temp.resolve("root/etc/passwd"), "inside");
    Files.createSymbolicLink(temp.resolve("root/abs"), Path.of("/etc/passwd"));
    Files.createSymbolicLink(temp.resolve("root/up"), Path.of("../../../../etc/passwd"));
    try (Fd root = Fd.directory(temp.resolve("root"))) {
      for (String name : List.of("abs", "up", "/abs", "/etc/passwd")) {
        try (Fd file = root.openInRoot(p(name), Open.RDONLY, 0)) {
          assertThat(new String(file.input().readAllBytes(), StandardCharsets.UTF_8))
              .isEqualTo("inside");
        }
      }
    }
  }

  @Test
  void xattrsOfFilesAndSymlinks() throws Exception {
    try (Fd dir = Fd.directory(temp)) {
      dir.symlink(p("nowhere"), p("s"));
      BytePath link = BytePath.of(temp.resolve("s"));
      Xattrs.set(link, "trusted.kiln", new byte[] {1, 0, 2});
      assertThat(Xattrs.get(link, "trusted.kiln")).contains(new byte[] {1, 0, 2});
      assertThat(Xattrs.list(link)).containsExactly("trusted.kiln");
      assertThat(Xattrs.all(link)).containsOnlyKeys("trusted.kiln");
      Xattrs.remove(link, "trusted.kiln");
      assertThat(Xattrs.get(link, "trusted.kiln")).isEmpty();
      Xattrs.set(dir, "user.x", new byte[0]);
      assertThat(Xattrs.get(dir, "user.x")).contains(new byte[0]);
      assertThat(Xattrs.list(dir)).containsExactly("user.x");
    }
  }

  @Test
  void aCopyHasAllTheBytes() throws Exception {
    byte[] bytes = new byte[300_000];
    new java.util.Random(1).nextBytes(bytes);
    Files.write(temp.resolve("a"), bytes);
    try (Fd a = Fd.CWD.open(BytePath.of(temp.resolve("a")), Open.RDONLY, 0);
        Fd b = Fd.CWD.open(BytePath.of(temp.resolve("b")), Open.WRONLY | Open.CREAT, 0644)) {
      a.copyTo(b, bytes.length);
    }
    assertThat(Files.readAllBytes(temp.resolve("b"))).isEqualTo(bytes);
    try (Fd proc = Fd.CWD.open(p("/proc/self/status"), Open.RDONLY, 0);
        Fd c = Fd.CWD.open(BytePath.of(temp.resolve("c")), Open.WRONLY | Open.CREAT, 0644)) {
      proc.copyTo(c, 0);
    }
    assertThat(Files.readString(temp.resolve("c"))).startsWith("Name:");
  }

  @Test
  void anOverlayOfManyLayersMounts() throws Exception {
    var lowers = new ArrayList<String>();
    for (int i = 0; i < 120; i++) {
      Path lower = temp.resolve("a-directory-with-a-long-name-to-fill-the-page-" + i);
      Files.createDirectories(lower);
      Files.writeString(lower.resolve("f" + i), "x");
      Files.writeString(lower.resolve("top"), "" + i);
      lowers.add(lower.toString());
    }
    for (String name : List.of("up", "work", "at")) {
      Files.createDirectories(temp.resolve(name));
    }
    var overlay =
        new Mount(
            "overlay",
            "overlay",
            List.of(
                "lowerdir=" + String.join(":", lowers),
                "upperdir=" + temp.resolve("up"),
                "workdir=" + temp.resolve("work"),
                "index=off"));
    Path at = temp.resolve("at");
    Mounts.mount(overlay, at);
    try {
      assertThat(Files.readString(at.resolve("top"))).isEqualTo("0");
      assertThat(at.resolve("f119")).exists();
      Files.delete(at.resolve("top"));
    } finally {
      Mounts.unmount(at, 0);
    }
    try (Fd up = Fd.directory(temp.resolve("up"))) {
      assertThat(up.stat(p("top")).isWhiteout()).isTrue();
    }
  }

  @Test
  void aReadOnlyBindRefusesWrites() throws Exception {
    Path from = Files.createDirectories(temp.resolve("from"));
    Path at = Files.createDirectories(temp.resolve("at"));
    Mounts.mount(Mount.bind(from.toString(), true), at);
    try {
      assertThatThrownBy(() -> Fd.CWD.mkdir(BytePath.of(at.resolve("x")), 0755))
          .hasMessageEndingWith("read-only file system");
    } finally {
      Mounts.unmountAll(at);
    }
    Mounts.unmountAll(at);
    assertThat(Files.isWritable(at)).isTrue();
  }

  @Test
  void namespacesEndWithTheirThread() throws Exception {
    Path at = Files.createDirectories(temp.resolve("at"));
    long inside =
        Namespaces.onThrowAwayThread(
            "ns",
            () -> {
              Namespaces.unshare(Namespaces.CLONE_FS | Namespaces.CLONE_NEWNS);
              Mounts.mount("", Path.of("/"), "", Mounts.MS_PRIVATE | Mounts.MS_REC, "");
              Mounts.mount("none", at, "tmpfs", 0, "size=64k");
              return FileSystems.space(at).type();
            });
    assertThat(inside).isEqualTo(FileSystems.TMPFS_MAGIC);
    assertThat(FileSystems.space(at).type()).isNotEqualTo(FileSystems.TMPFS_MAGIC);
  }

  @Test
  void aLockIsHeldOnce() throws Exception {
    Path file = temp.resolve("lock");
    try (FileLock lock = FileLock.tryLock(file).orElseThrow()) {
      assertThat(lock).isNotNull();
      assertThat(FileLock.tryLock(file)).isEmpty();
    }
    FileLock.tryLock(file).orElseThrow().close();
  }

  @Test
  void aLockMayBeWaitedFor() throws Exception {
    Path file = temp.resolve("lock");
    FileLock first = FileLock.lock(file);
    var second =
        new FutureTask<>(() -> {
          try (FileLock _ = FileLock.lock(file)) {
            return FileLock.tryLock(file).isEmpty();
          }
        });
    Thread.ofPlatform().daemon().start(second);
    first.close();
    assertThat(second.get()).isTrue();
  }

  @Test
  void terminalsAndProcesses() throws Exception {
    try (Terminals.Pair pair = Terminals.open()) {
      Terminals.resize(pair.master(), new Terminals.Size(40, 100));
      assertThat(Terminals.size(pair.master())).isEqualTo(new Terminals.Size(40, 100));
      assertThat(pair.slave()).exists();
    }
    Process child = new ProcessBuilder("sleep", "1000").start();
    try (Fd pidfd = Processes.pidfd(child.pid())) {
      Processes.signal(pidfd, 0);
      Processes.signal(pidfd, Processes.SIGKILL);
      assertThat(child.waitFor()).isEqualTo(137);
      assertThatThrownBy(() -> Processes.signal(pidfd, 0)).hasMessageContaining("no such process");
    }
  }
}
