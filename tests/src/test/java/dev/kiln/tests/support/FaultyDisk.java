package dev.kiln.tests.support;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;

/**
 * Makes the disk of a daemon fail, below its JVM, its database and its own system calls: a small
 * library that is preloaded into the process, steered through one shared page. The daemon has no
 * part in it. Skipped where there is no C compiler.
 */
public final class FaultyDisk {
  private static final int PAGE = 4096;
  private static final int OPS = 16;
  private static final int PATH = 32;

  private final Path library;
  private final Path page;
  private final MappedByteBuffer rule;

  /** Why a call fails, by the numbers of Linux. */
  public enum Errno {
    ENOSPC(28, "no space left on device"),
    EIO(5, "input/output error"),
    EDQUOT(122, "quota exceeded");

    private final int number;
    private final String words;

    Errno(int number, String words) {
      this.number = number;
      this.words = words;
    }

    /** What is said of it, in small letters. */
    public String words() {
      return words;
    }
  }

  private FaultyDisk(Path library, Path page) throws IOException {
    this.library = library;
    this.page = page;
    Files.write(page, new byte[PAGE]);
    try (var channel = FileChannel.open(page, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      rule = channel.map(FileChannel.MapMode.READ_WRITE, 0, PAGE);
    }
    rule.order(ByteOrder.nativeOrder());
  }

  /** Makes the library and the page in {@code folder}. */
  public static FaultyDisk in(Path folder) throws IOException, InterruptedException {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/cc")), "skipped: no C compiler");
    Path source = folder.resolve("faulty-disk.c");
    try (InputStream in = FaultyDisk.class.getResourceAsStream("faulty-disk.c")) {
      Files.copy(java.util.Objects.requireNonNull(in), source);
    }
    Path library = folder.resolve("faulty-disk.so");
    var compiler =
        new ProcessBuilder(
                "/usr/bin/cc",
                "-shared",
                "-fPIC",
                "-O1",
                "-o",
                library.toString(),
                source.toString(),
                "-ldl")
            .redirectErrorStream(true);
    Distribution.Run made = Distribution.await(compiler.start());
    assertThat(made.code()).as(made.output()).isZero();
    return new FaultyDisk(library, folder.resolve("faulty-disk.page"));
  }

  /** What a daemon is started with. */
  public Map<String, String> environment() {
    return Map.of("LD_PRELOAD", library.toString(), "FAULTY_DISK", page.toString());
  }

  /**
   * From now on calls fail.
   *
   * @param operations of {@code w} (write), {@code s} (sync), {@code r} (rename), {@code c}
   *     (create), {@code b} (bind a socket's file)
   * @param path a part of the path that they are about
   * @param skip how many of them go well first
   */
  public void fail(Errno errno, String operations, String path, int skip) {
    work();
    text(OPS, operations, PATH - OPS);
    text(PATH, path, 256);
    rule.putInt(4, errno.number);
    rule.putInt(8, skip);
    rule.putInt(12, 0);
    rule.putInt(0, 1);
  }

  private void text(int at, String text, int size) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    for (int i = 0; i < size; i++) {
      rule.put(at + i, i < bytes.length ? bytes[i] : 0);
    }
  }

  /** Nothing fails any more. */
  public void work() {
    rule.putInt(0, 0);
  }

  /** How many calls the last {@link #fail} was about, those included that went well. */
  public int seen() {
    return rule.getInt(12);
  }
}
