package dev.kiln.store.layer;

import dev.kiln.model.FilePaths;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeMap;

/**
 * Writes a tar stream in POSIX' pax form: a plain ustar header, preceded by an extended one where
 * something does not fit (long or non-ASCII names, large numbers, extended attributes). The bytes
 * depend on nothing but the entries. Source: POSIX {@code pax}, "ustar Interchange Format"; the
 * rules for what needs an extended header are those of Go's {@code archive/tar} for {@code
 * FormatPAX}, so that equal trees give equal layers whoever packs them. One thread; {@link #close}
 * writes the end and leaves the stream open for its owner.
 */
public final class TarWriter implements AutoCloseable {
  private static final int BLOCK = 512;
  private static final int NAME = 100; // bytes of a plain header's field
  private static final int PREFIX = 155;
  private static final byte[] ZEROS = new byte[2 * BLOCK];
  private final OutputStream out;
  private final byte[] buffer = new byte[1 << 16];
  private final byte[] header = new byte[BLOCK];
  private long left;
  private int padding;

  public TarWriter(OutputStream out) {
    this.out = out;
  }

  /** Begins an entry; its body, if it has one, is written by {@link #write} or {@link #body}. */
  public void entry(TarEntry entry) throws IOException {
    endBody();
    var pax = new TreeMap<String, byte[]>();
    byte[] name = entry.name().bytes();
    byte[] link = entry.linkname().bytes();
    if (name.length > NAME || !isAscii(name)) {
      pax.put("path", name);
    }
    if (link.length > NAME || !isAscii(link)) {
      pax.put("linkpath", link);
    }
    number(pax, "uid", entry.uid(), 7);
    number(pax, "gid", entry.gid(), 7);
    number(pax, "size", entry.sizeBytes(), 11);
    if (entry.mtimeNanos() != 0 || entry.mtimeSeconds() < 0 || !fits(entry.mtimeSeconds(), 11)) {
      pax.put("mtime", ascii(time(entry.mtimeSeconds(), entry.mtimeNanos())));
    }
    entry.xattrs().forEach((key, value) -> pax.put("SCHILY.xattr." + key, value));
    int slash = pax.keySet().equals(Set.of("path")) ? prefixEnd(name) : 0;
    if (!pax.isEmpty() && slash == 0) {
      extended(name, pax);
    }
    Arrays.fill(header, (byte) 0);
    System.arraycopy(name, 0, header, 345, slash);
    name(0, slash == 0 ? name : Arrays.copyOfRange(name, slash + 1, name.length));
    octal(100, 8, entry.mode());
    octal(108, 8, fits(entry.uid(), 7) ? entry.uid() : 0);
    octal(116, 8, fits(entry.gid(), 7) ? entry.gid() : 0);
    octal(124, 12, fits(entry.sizeBytes(), 11) ? entry.sizeBytes() : 0);
    long seconds = entry.mtimeSeconds();
    octal(136, 12, seconds >= 0 && fits(seconds, 11) ? seconds : 0);
    header[156] = entry.type();
    name(157, link);
    octal(329, 8, entry.devMajor());
    octal(337, 8, entry.devMinor());
    finishHeader();
    left = entry.sizeBytes();
    padding = (int) (-left & (BLOCK - 1));
  }

  /** Writes a part of the current body. */
  public void write(byte[] from, int offset, int length) throws IOException {
    if (length > left) {
      throw new IOException("more bytes than the header says");
    }
    out.write(from, offset, length);
    left -= length;
  }

  /** Writes the whole body of the current entry from a stream, which must be that long. */
  public void body(InputStream from) throws IOException {
    while (left > 0) {
      int n = from.read(buffer, 0, (int) Math.min(buffer.length, left));
      if (n < 0) {
        throw new IOException("the file became shorter while it was packed");
      }
      write(buffer, 0, n);
    }
  }

  /** Writes the whole body of the current entry. */
  public void body(byte[] bytes) throws IOException {
    write(bytes, 0, bytes.length);
  }

  private void endBody() throws IOException {
    if (left > 0) {
      throw new IOException("fewer bytes than the header says: " + left + " are missing");
    }
    out.write(ZEROS, 0, padding);
    padding = 0;
  }

  /** Where a long name splits into a plain header's prefix and name; 0 where it does not. */
  private static int prefixEnd(byte[] name) {
    if (!isAscii(name)) {
      return 0;
    }
    int slash = Math.min(PREFIX, name.length - 2); // not a folder's own
    while (slash > 0 && name[slash] != '/') {
      slash--;
    }
    int rest = name.length - slash - 1;
    return rest > 0 && rest <= NAME ? slash : 0;
  }

  private void extended(byte[] name, TreeMap<String, byte[]> records) throws IOException {
    var body = new java.io.ByteArrayOutputStream();
    records.forEach((key, value) -> body.writeBytes(record(key, value)));
    Arrays.fill(header, (byte) 0);
    name(0, extendedName(name));
    octal(100, 8, 0);
    octal(108, 8, 0);
    octal(116, 8, 0);
    octal(124, 12, body.size());
    octal(136, 12, 0);
    header[156] = 'x'; // device numbers stay empty, as Go leaves them here
    finishHeader();
    out.write(body.toByteArray());
    out.write(ZEROS, 0, -body.size() & (BLOCK - 1));
  }

  /**
   * A name for the extended header itself, which readers ignore: as Go makes it. A folder's slash
   * ends its name, so that the header lies in the folder.
   */
  private static byte[] extendedName(byte[] name) {
    String text = new String(name, StandardCharsets.ISO_8859_1);
    int slash = text.lastIndexOf('/');
    String path = text.substring(0, slash + 1) + "PaxHeaders.0/" + text.substring(slash + 1);
    byte[] ascii = withoutOthers(FilePaths.clean(path).getBytes(StandardCharsets.ISO_8859_1));
    int end = Math.min(ascii.length, NAME);
    while (end > 0 && ascii[end - 1] == '/') {
      end--;
    }
    return Arrays.copyOf(ascii, end);
  }

  /** {@code "<length> <key>=<value>\n"}, the length counting itself. */
  private static byte[] record(String key, byte[] value) {
    byte[] k = key.getBytes(StandardCharsets.UTF_8);
    int bare = k.length + value.length + 3;
    int size = bare + Integer.toString(bare).length();
    size = bare + Integer.toString(size).length();
    byte[] start = ascii(size + " ");
    byte[] all = Arrays.copyOf(start, size);
    System.arraycopy(k, 0, all, start.length, k.length);
    all[start.length + k.length] = '=';
    System.arraycopy(value, 0, all, start.length + k.length + 1, value.length);
    all[size - 1] = '\n';
    return all;
  }

  private static String time(long seconds, int nanos) {
    return nanos == 0
        ? Long.toString(seconds)
        : new java.math.BigDecimal(java.math.BigInteger.valueOf(seconds))
            .add(java.math.BigDecimal.valueOf(nanos, 9))
            .stripTrailingZeros()
            .toPlainString();
  }

  private static void number(TreeMap<String, byte[]> pax, String key, long value, int digits) {
    if (!fits(value, digits)) {
      pax.put(key, ascii(Long.toString(value)));
    }
  }

  private static boolean fits(long value, int octalDigits) {
    return value >>> (3 * octalDigits) == 0;
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private static boolean isAscii(byte[] bytes) {
    for (byte b : bytes) {
      if (b < 0) {
        return false;
      }
    }
    return true;
  }

  /**
   * Puts a name, as much of it as fits: the extended header has it whole. What is cut off behind a
   * slash must not look like a folder, so that slash becomes a NUL.
   */
  private void name(int at, byte[] name) {
    byte[] ascii = withoutOthers(name);
    System.arraycopy(ascii, 0, header, at, Math.min(ascii.length, NAME));
    if (ascii.length > NAME && ascii[NAME - 1] == '/') {
      int end = NAME - 1;
      while (end > 0 && ascii[end - 1] == '/') {
        end--;
      }
      header[at + end] = 0;
    }
  }

  private static byte[] withoutOthers(byte[] bytes) {
    byte[] ascii = new byte[bytes.length];
    int end = 0;
    for (byte b : bytes) {
      if (b > 0) {
        ascii[end++] = b;
      }
    }
    return Arrays.copyOf(ascii, end);
  }

  private void octal(int at, int size, long value) {
    long rest = value;
    for (int i = at + size - 2; i >= at; i--) {
      header[i] = (byte) ('0' + (rest & 7));
      rest >>>= 3;
    }
  }

  private void finishHeader() throws IOException {
    byte[] magic = ascii("ustar\00000");
    System.arraycopy(magic, 0, header, 257, magic.length);
    Arrays.fill(header, 148, 156, (byte) ' ');
    int sum = 0;
    for (byte b : header) {
      sum += b & 0xff;
    }
    octal(148, 7, sum);
    header[154] = 0;
    out.write(header);
  }

  /** Writes the two empty blocks that end the stream. */
  @Override
  public void close() throws IOException {
    endBody();
    out.write(ZEROS);
  }
}
