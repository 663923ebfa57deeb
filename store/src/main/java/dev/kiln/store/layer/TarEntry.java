package dev.kiln.store.layer;

import dev.kiln.sys.BytePath;
import dev.kiln.sys.Stat;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * One header of a tar stream. Immutable.
 *
 * @param name as it is in the stream: relative, a directory's with a slash at the end
 * @param type one of {@link #FILE} and the others
 * @param mode permission bits with set-id and sticky
 * @param sizeBytes of the body; 0 for all but files
 * @param linkname target of a symlink; of a hard link, the name of the entry it links to
 * @param xattrs extended attributes by name
 */
public record TarEntry(
    BytePath name,
    byte type,
    int mode,
    long uid,
    long gid,
    long sizeBytes,
    long mtimeSeconds,
    int mtimeNanos,
    BytePath linkname,
    long devMajor,
    long devMinor,
    SortedMap<String, byte[]> xattrs) {
  public static final byte FILE = '0';
  public static final byte HARD_LINK = '1';
  public static final byte SYMLINK = '2';
  public static final byte CHARACTER = '3';
  public static final byte BLOCK = '4';
  public static final byte DIRECTORY = '5';
  public static final byte FIFO = '6';

  private static final SortedMap<String, byte[]> NONE =
      Collections.unmodifiableSortedMap(new TreeMap<>());

  public TarEntry {
    xattrs = xattrs.isEmpty() ? NONE : Collections.unmodifiableSortedMap(new TreeMap<>(xattrs));
  }

  /**
   * A file of the given bytes' size, owned by root.
   *
   * @param name relative
   */
  public static TarEntry file(String name, int mode, long sizeBytes, long mtimeSeconds) {
    return new TarEntry(
        BytePath.of(name),
        FILE,
        mode,
        0,
        0,
        sizeBytes,
        mtimeSeconds,
        0,
        BytePath.EMPTY,
        0,
        0,
        NONE);
  }

  /**
   * A directory, owned by root.
   *
   * @param name relative, with a slash at the end
   */
  public static TarEntry directory(String name, int mode, long mtimeSeconds) {
    return new TarEntry(
        BytePath.of(name), DIRECTORY, mode, 0, 0, 0, mtimeSeconds, 0, BytePath.EMPTY, 0, 0, NONE);
  }

  /**
   * The header of a file system entry, times cut to whole seconds as other packers do.
   *
   * @param name relative; the slash of a directory is added here
   * @param linkname of a symlink, else empty
   */
  public static TarEntry of(
      BytePath name, Stat stat, BytePath linkname, SortedMap<String, byte[]> xattrs) {
    byte type =
        switch (stat.type()) {
          case Stat.S_IFDIR -> DIRECTORY;
          case Stat.S_IFLNK -> SYMLINK;
          case Stat.S_IFCHR -> CHARACTER;
          case Stat.S_IFBLK -> BLOCK;
          case Stat.S_IFIFO -> FIFO;
          default -> FILE;
        };
    boolean device = type == CHARACTER || type == BLOCK;
    return new TarEntry(
        type == DIRECTORY ? BytePath.ofLatin1(name.latin1() + "/") : name,
        type,
        stat.permissions(),
        Integer.toUnsignedLong(stat.uid()),
        Integer.toUnsignedLong(stat.gid()),
        type == FILE ? stat.sizeBytes() : 0,
        stat.mtimeSeconds(),
        0,
        linkname,
        device ? stat.rdev().major() : 0,
        device ? stat.rdev().minor() : 0,
        xattrs);
  }

  /** This entry as another name of {@code target}, which was packed before. */
  public TarEntry asHardLinkTo(BytePath target) {
    return new TarEntry(name, HARD_LINK, mode, uid, gid, 0, mtimeSeconds, 0, target, 0, 0, NONE);
  }

  /** This entry with a time not after {@code seconds}. */
  public TarEntry clamped(long seconds) {
    return mtimeSeconds <= seconds
        ? this
        : new TarEntry(
            name, type, mode, uid, gid, sizeBytes, seconds, 0, linkname, devMajor, devMinor,
            xattrs);
  }
}
