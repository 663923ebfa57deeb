package dev.kiln.session.tree;

import dev.kiln.sys.BytePath;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * One file of a tree as it crosses the wire. Immutable (the attributes' values are never written
 * to).
 *
 * @param path relative, without a leading slash
 * @param mode Go's bits, see {@link GoMode}
 * @param sizeBytes 0 for directories and for hard links to an earlier path
 * @param mtimeNanos since 1970, may be negative
 * @param linkname a symlink's target, or the earlier path that a regular file is a hard link of;
 *     empty otherwise
 */
public record TreeEntry(
    BytePath path,
    int mode,
    int uid,
    int gid,
    long sizeBytes,
    long mtimeNanos,
    BytePath linkname,
    long devMajor,
    long devMinor,
    SortedMap<String, byte[]> xattrs) {
  private static final long NANOS = 1_000_000_000L;
  public static final SortedMap<String, byte[]> NO_XATTRS =
      Collections.unmodifiableSortedMap(new TreeMap<>());

  public TreeEntry {
    if (xattrs != NO_XATTRS) {
      xattrs = Collections.unmodifiableSortedMap(new TreeMap<>(xattrs));
    }
  }

  /** A regular file made from memory, owned by root. */
  public static TreeEntry file(BytePath path, int permissions, long sizeBytes, long mtimeNanos) {
    return new TreeEntry(
        path, permissions, 0, 0, sizeBytes, mtimeNanos, BytePath.EMPTY, 0, 0, NO_XATTRS);
  }

  /** A directory, owned by root. */
  public static TreeEntry directory(BytePath path, int permissions, long mtimeNanos) {
    return new TreeEntry(
        path, GoMode.DIRECTORY | permissions, 0, 0, 0, mtimeNanos, BytePath.EMPTY, 0, 0, NO_XATTRS);
  }

  public boolean isDirectory() {
    return (mode & GoMode.DIRECTORY) != 0;
  }

  public boolean isSymlink() {
    return (mode & GoMode.SYMLINK) != 0;
  }

  /** A file with content, or a hard link to one. */
  public boolean isRegular() {
    return (mode & GoMode.TYPE) == 0;
  }

  /** Devices and named pipes. */
  public boolean isSpecial() {
    return (mode & (GoMode.DEVICE | GoMode.NAMED_PIPE)) != 0;
  }

  /** Whether this is another name of an earlier entry's file. */
  public boolean isHardLink() {
    return !isSymlink() && !isDirectory() && !linkname.isEmpty();
  }

  public long mtimeSeconds() {
    return Math.floorDiv(mtimeNanos, NANOS);
  }

  public int mtimeNanosOfSecond() {
    return (int) Math.floorMod(mtimeNanos, NANOS);
  }

  /** The same with another owner. */
  public TreeEntry ownedBy(int newUid, int newGid) {
    return new TreeEntry(
        path, mode, newUid, newGid, sizeBytes, mtimeNanos, linkname, devMajor, devMinor, xattrs);
  }

  /** The same under another path and link name. */
  public TreeEntry movedTo(BytePath newPath, BytePath newLinkname) {
    return new TreeEntry(
        newPath, mode, uid, gid, sizeBytes, mtimeNanos, newLinkname, devMajor, devMinor, xattrs);
  }

  /** The same with another modification time. */
  public TreeEntry modifiedAt(long newMtimeNanos) {
    return new TreeEntry(
        path, mode, uid, gid, sizeBytes, newMtimeNanos, linkname, devMajor, devMinor, xattrs);
  }

  /** The same with another size. */
  public TreeEntry sized(long newSizeBytes) {
    return new TreeEntry(
        path, mode, uid, gid, newSizeBytes, mtimeNanos, linkname, devMajor, devMinor, xattrs);
  }

  /** The same with these attributes alone. */
  public TreeEntry withXattrs(Map<String, byte[]> newXattrs) {
    return new TreeEntry(
        path,
        mode,
        uid,
        gid,
        sizeBytes,
        mtimeNanos,
        linkname,
        devMajor,
        devMinor,
        new TreeMap<>(newXattrs));
  }

  /**
   * Whether a file with {@code other}'s metadata need not be sent again. Times and sizes of
   * directories do not count, attributes never do (fsutil 2025-04-17, {@code diff_containerd.go}).
   */
  public boolean sameMetadata(TreeEntry other) {
    return mode == other.mode
        && uid == other.uid
        && gid == other.gid
        && devMajor == other.devMajor
        && devMinor == other.devMinor
        && linkname.equals(other.linkname)
        && (isDirectory() || sizeBytes == other.sizeBytes && mtimeNanos == other.mtimeNanos);
  }
}
