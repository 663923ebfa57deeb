package dev.kiln.sys;

import java.time.Instant;

/**
 * What {@code statx(2)} says of a file. Immutable.
 *
 * @param mode type and permission bits, as in {@code sys/stat.h}
 * @param rdev the device that a device node names; 0:0 otherwise
 * @param dev the device that holds the file
 * @param blocks512 blocks of 512 bytes that the file occupies
 * @param mtimeSeconds seconds since 1970, may be negative; {@code mtimeNanos} counts forward from
 *     it
 */
public record Stat(
    int mode,
    int uid,
    int gid,
    long nlink,
    long ino,
    long sizeBytes,
    long blocks512,
    Device rdev,
    Device dev,
    long mtimeSeconds,
    int mtimeNanos,
    long ctimeSeconds,
    int ctimeNanos) {
  public static final int S_IFMT = 0170000;
  public static final int S_IFSOCK = 0140000;
  public static final int S_IFLNK = 0120000;
  public static final int S_IFREG = 0100000;
  public static final int S_IFBLK = 0060000;
  public static final int S_IFDIR = 0040000;
  public static final int S_IFCHR = 0020000;
  public static final int S_IFIFO = 0010000;
  public static final int S_ISUID = 04000;
  public static final int S_ISGID = 02000;
  public static final int S_ISVTX = 01000;

  /** A device number. */
  public record Device(int major, int minor) {
    public static final Device NONE = new Device(0, 0);

    /** As {@code mknod(2)} takes it (Linux' dev_t of 64 bits). */
    public long encoded() {
      return (minor & 0xffL)
          | (major & 0xfffL) << 8
          | (minor & ~0xffL & 0xffffffffL) << 12
          | (major & ~0xfffL & 0xffffffffL) << 32;
    }
  }

  /** The type bits alone, one of {@code S_IF*}. */
  public int type() {
    return mode & S_IFMT;
  }

  /** Permission bits with set-id and sticky. */
  public int permissions() {
    return mode & 07777;
  }

  public boolean isDirectory() {
    return type() == S_IFDIR;
  }

  public boolean isRegular() {
    return type() == S_IFREG;
  }

  public boolean isSymlink() {
    return type() == S_IFLNK;
  }

  public boolean isDevice() {
    return type() == S_IFCHR || type() == S_IFBLK;
  }

  /** Overlayfs' mark for a deleted name: a character device 0:0. */
  public boolean isWhiteout() {
    return type() == S_IFCHR && rdev.major() == 0 && rdev.minor() == 0;
  }

  public Instant mtime() {
    return Instant.ofEpochSecond(mtimeSeconds, mtimeNanos);
  }

  /** Identity of the inode among hard links. */
  public Inode inode() {
    return new Inode(dev, ino);
  }

  /** One inode of one device. */
  public record Inode(Device dev, long ino) {}
}
