package dev.kiln.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.sys.BuiltFiles.Limit;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 20, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BuiltFilesTest {
  private static final Limit SMALL = new Limit(1 << 10, 100);

  @TempDir Path temp;
  private Fd root;
  private BuiltFiles files;

  @BeforeEach
  void open() throws Exception {
    Files.createDirectory(temp.resolve("etc"));
    Files.writeString(temp.resolve("outside"), "outside");
    Files.createDirectories(temp.resolve("root/etc"));
    root = Fd.directory(temp.resolve("root"));
    files = BuiltFiles.in(root, "the test's root");
  }

  @AfterEach
  void close() {
    root.close();
  }

  private static BytePath p(String name) {
    return BytePath.of(name);
  }

  private static String text(Fd file) throws Exception {
    try (file) {
      return new String(file.input().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @Test
  void whatIsNoRegularFileIsRefusedAtOnceAndNamed() throws Exception {
    root.mknod(p("fifo"), Stat.S_IFIFO | 0666, Stat.Device.NONE);
    root.mknod(p("zero"), Stat.S_IFCHR | 0666, new Stat.Device(1, 5));
    root.mknod(p("nobody-is-behind-it"), Stat.S_IFBLK | 0666, new Stat.Device(259, 1000));
    root.symlink(p("/fifo"), p("link"));
    try (var socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      socket.bind(UnixDomainSocketAddress.of(temp.resolve("root/socket")));
    }
    assertThatThrownBy(() -> files.open("/fifo"))
        .isInstanceOf(RefusedFileException.class)
        .hasMessage("/fifo of the test's root is a fifo: only a regular file is read");
    assertThatThrownBy(() -> files.open("/link")).hasMessageContaining("is a fifo");
    assertThatThrownBy(() -> files.read("/zero", 100)).hasMessageContaining("is a device");
    assertThatThrownBy(() -> files.find("/socket", SMALL, Optional::of))
        .hasMessageContaining("is a socket");
    assertThatThrownBy(() -> files.open("/nobody-is-behind-it"))
        .hasMessageContaining("is a device");
    assertThatThrownBy(() -> files.open("/etc")).hasMessage("open /etc: is a directory");
    assertThatThrownBy(() -> files.open("/none"))
        .isInstanceOfSatisfying(
            SyscallException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT));
    assertThatThrownBy(() -> BuiltFiles.open(root, p("fifo"))).hasMessageContaining("is a fifo");
    assertThatThrownBy(() -> BuiltFiles.open(root, p("link"))).hasMessageContaining("is a symlink");
    assertThatThrownBy(() -> BuiltFiles.write(root, p("fifo"), 0600))
        .hasMessageContaining("only a regular file is written");
  }

  @Test
  void linksStayInTheRoot() throws Exception {
    Files.writeString(temp.resolve("root/etc/f"), "inside");
    root.symlink(p("../../../../etc/f"), p("up"));
    root.symlink(p("/etc/f"), p("absolute"));
    root.symlink(p("../outside"), p("out"));
    assertThat(text(files.open("/up"))).isEqualTo("inside");
    assertThat(text(files.open("absolute"))).isEqualTo("inside");
    assertThatThrownBy(() -> files.open("/out")).hasMessageContaining("no such file");
  }

  @Test
  void moreThanTheLimitIsRefusedAndNotCut() throws Exception {
    Files.writeString(temp.resolve("root/f"), "x".repeat(100));
    assertThat(files.read("/f", 100)).hasSize(100);
    assertThatThrownBy(() -> files.read("/f", 99))
        .isInstanceOf(RefusedFileException.class)
        .hasMessage("/f of the test's root has more than 99 bytes, the most that is read");
    // a file of /proc tells no size
    try (Fd proc = Fd.directory(Path.of("/proc"))) {
      var host = BuiltFiles.in(proc, "the host");
      assertThat(host.read("meminfo", 1 << 16)).hasSizeGreaterThan(500);
      assertThatThrownBy(() -> host.read("meminfo", 500)).hasMessageContaining("500");
    }
  }

  @Test
  void aHugeSparseFileTakesNoMemory() throws Exception {
    try (Fd file = root.create(p("huge"), 0600)) {
      file.truncate(1L << 40);
    }
    assertThatThrownBy(() -> files.read("/huge", 1 << 20)).hasMessageContaining("1048576");
    assertThatThrownBy(
            () -> files.find("/huge", new Limit(1 << 20, 1 << 20), _ -> Optional.empty()))
        .hasMessageContaining("1048576");
  }

  @Test
  void linesAreFoundOneByOne() throws Exception {
    Files.writeString(temp.resolve("root/f"), "a:1\n\nb:2\nc:é");
    assertThat(files.find("/f", SMALL, l -> l.startsWith("b") ? Optional.of(l) : Optional.empty()))
        .contains("b:2");
    assertThat(files.find("/f", SMALL, l -> l.startsWith("c") ? Optional.of(l) : Optional.empty()))
        .as("the last line needs no end")
        .contains("c:é");
    assertThat(files.find("/f", SMALL, _ -> Optional.empty())).isEmpty();
    var long_ = "x".repeat(70_000);
    Files.writeString(temp.resolve("root/long"), "first\n" + long_ + "\n" + "last\n");
    var wide = new Limit(1 << 20, 70_000);
    assertThat(files.find("/long", wide, l -> l.equals(long_) ? Optional.of(1) : Optional.empty()))
        .as("over the border of a buffer")
        .contains(1);
    assertThat(files.find("/long", wide, l -> l.equals("last") ? Optional.of(1) : Optional.empty()))
        .contains(1);
    assertThatThrownBy(() -> files.find("/long", new Limit(1 << 20, 69_999), _ -> Optional.empty()))
        .hasMessage(
            "/long of the test's root: line 2 has more than 69999 bytes, the most that is read");
  }

  @Test
  void aFileThatWasSeenIsOpenedOnlyWhileItIsStillOne() throws Exception {
    Files.writeString(temp.resolve("root/f"), "1");
    Stat seen = root.stat(p("f"));
    assertThat(text(BuiltFiles.open(root, p("f"), seen))).isEqualTo("1");
    root.unlink(p("f"));
    root.mknod(p("f"), Stat.S_IFIFO | 0666, Stat.Device.NONE);
    assertThatThrownBy(() -> BuiltFiles.open(root, p("f"), seen))
        .hasMessageContaining("stale file handle");
  }

  @Test
  void aFileIsWrittenAnewInItsPlace() throws Exception {
    for (String text : new String[] {"longer", "short"}) {
      try (Fd file = BuiltFiles.write(root, p("f"), 0600)) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        file.write(bytes, 0, bytes.length);
      }
      assertThat(temp.resolve("root/f")).hasContent(text);
    }
    assertThatThrownBy(() -> BuiltFiles.write(root, p("etc"), 0600))
        .hasMessageContaining("is a directory");
  }
}
