package dev.kiln.sys;

import dev.kiln.sys.Libc.Scratch;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/** What {@code statfs(2)} says of the file system that holds a path. Any thread. */
public final class FileSystems {
  public static final long OVERLAYFS_MAGIC = 0x794c7630L;
  public static final long TMPFS_MAGIC = 0x01021994L;

  /** Of the files that stand for namespaces. */
  public static final long NSFS_MAGIC = 0x6e736673L;

  private FileSystems() {}

  /**
   * @param type its magic number
   * @param totalBytes size of the whole
   * @param freeBytes free, the part reserved for root included
   * @param availableBytes free for ordinary users
   */
  public record Space(long type, long totalBytes, long freeBytes, long availableBytes) {}

  public static Space space(Path path) throws SyscallException {
    try (var s = Scratch.take()) {
      long r = s.call(Sysno.STATFS, s.pathA(BytePath.of(path)), s.buffer.address(), 0, 0, 0, 0);
      Libc.check(Sysno.STATFS, path, r);
      long block = s.buffer.get(ValueLayout.JAVA_LONG, 8); // struct statfs of asm-generic/statfs.h
      return new Space(
          s.buffer.get(ValueLayout.JAVA_LONG, 0),
          block * s.buffer.get(ValueLayout.JAVA_LONG, 16),
          block * s.buffer.get(ValueLayout.JAVA_LONG, 24),
          block * s.buffer.get(ValueLayout.JAVA_LONG, 32));
    }
  }
}
