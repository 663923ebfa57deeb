package dev.kiln.store.hash;

import dev.kiln.model.Digest;
import dev.kiln.sys.Stat;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What of a file, besides its bytes, counts for its checksum: neither name nor time. Immutable.
 * Facts: BuildKit v0.22 {@code cache/contenthash/filehash.go}, {@code tarsum.go}.
 *
 * @param mode type and permissions as in {@code sys/stat.h}
 * @param sizeBytes of regular files; others count as 0
 * @param linkname target of a symlink, or of a hard link as a session sends it
 * @param xattrs values by name; of {@code security.*} and {@code system.*} only {@code
 *     security.capability} counts
 */
public record EntryHeader(
    int mode,
    int uid,
    int gid,
    long sizeBytes,
    String linkname,
    long devMajor,
    long devMinor,
    SortedMap<String, byte[]> xattrs) {
  public EntryHeader {
    xattrs = new TreeMap<>(xattrs);
  }

  private static final Map<Integer, Character> TYPE_FLAGS =
      Map.of(
          Stat.S_IFREG, '0',
          Stat.S_IFLNK, '2',
          Stat.S_IFCHR, '3',
          Stat.S_IFBLK, '4',
          Stat.S_IFDIR, '5',
          Stat.S_IFIFO, '6');

  /**
   * A SHA-256 that has taken in the header. The caller feeds a regular file's bytes and makes the
   * digest with {@link Digest#ofHash}.
   */
  public MessageDigest begin() {
    return begin(linkname.getBytes(StandardCharsets.UTF_8));
  }

  /** As {@link #begin}, where the link's bytes are kept as Latin-1. */
  MessageDigest beginLatin1() {
    return begin(linkname.getBytes(StandardCharsets.ISO_8859_1));
  }

  private MessageDigest begin(byte[] link) {
    int type = mode & Stat.S_IFMT;
    boolean socket = type == Stat.S_IFSOCK; // counts as a plain file
    boolean regular = type == Stat.S_IFREG || socket;
    var text = new StringBuilder(128);
    text.append("name");
    text.append("mode").append(mode & 07777);
    text.append("uid").append(Integer.toUnsignedLong(uid));
    text.append("gid").append(Integer.toUnsignedLong(gid));
    text.append("size").append(regular ? sizeBytes : 0);
    text.append("typeflag").append((char) TYPE_FLAGS.getOrDefault(type, '0'));
    text.append("linkname");
    MessageDigest hash = Digest.sha256();
    hash.update(text.toString().getBytes(StandardCharsets.US_ASCII));
    if (type == Stat.S_IFLNK) {
      hash.update(link);
    }
    text.setLength(0);
    text.append("uname").append("gname");
    text.append("devmajor").append(devMajor);
    text.append("devminor").append(devMinor);
    hash.update(text.toString().getBytes(StandardCharsets.US_ASCII));
    xattrs.forEach((name, value) -> {
      if (counts(name)) {
        hash.update(name.getBytes(StandardCharsets.UTF_8));
        hash.update(value);
      }
    });
    return hash;
  }

  private static boolean counts(String xattr) {
    return xattr.equals("security.capability")
        || !xattr.startsWith("security.") && !xattr.startsWith("system.");
  }

  /** The digest of an entry without bytes: directory, symlink, device, empty file. */
  public Digest digest() {
    return Digest.ofHash(begin().digest());
  }
}
