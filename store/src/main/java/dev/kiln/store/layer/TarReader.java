package dev.kiln.store.layer;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.sys.BytePath;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Reads a tar stream: ustar, pax extended headers, GNU long names and numbers. Names stay bytes,
 * which is why it is not a library's. Sparse files are refused. One thread; the stream stays its
 * owner's.
 */
public final class TarReader {
  private static final int BLOCK = 512;
  private static final int MAX_HEADER_BYTES = 1 << 20; // an extended header, as in Go's reader
  private final InputStream in;
  private final byte[] header = new byte[BLOCK];
  private final TreeMap<String, byte[]> global = new TreeMap<>();
  private long left;
  private int padding;

  public TarReader(InputStream in) {
    this.in = in;
  }

  /** The next entry; empty at the end. What was not read of the last body is skipped. */
  public Optional<TarEntry> next() throws IOException {
    var pax = new TreeMap<>(global);
    Optional<byte[]> longName = Optional.empty();
    Optional<byte[]> longLink = Optional.empty();
    while (true) {
      skipBody();
      if (!readHeader()) {
        return Optional.empty();
      }
      byte type = header[156];
      long size = number(124, 12);
      switch (type) {
        case 'x' -> records(special(size), pax);
        case 'g' -> {
          records(special(size), global);
          records(lastSpecial, pax);
        }
        case 'L' -> longName = Optional.of(cut(special(size)));
        case 'K' -> longLink = Optional.of(cut(special(size)));
        case 'S' -> throw invalid("sparse files are not supported");
        default -> {
          return Optional.of(entry(type, size, pax, longName, longLink));
        }
      }
    }
  }

  private byte[] lastSpecial = new byte[0];

  private byte[] special(long size) throws IOException {
    if (size < 0 || size > MAX_HEADER_BYTES) {
      throw invalid("an extended header of " + size + " bytes");
    }
    byte[] body = in.readNBytes((int) size);
    if (body.length < size) {
      throw invalid("unexpected EOF");
    }
    in.skipNBytes(-size & (BLOCK - 1));
    lastSpecial = body;
    return body;
  }

  private TarEntry entry(
      byte type,
      long headerSize,
      TreeMap<String, byte[]> pax,
      Optional<byte[]> longName,
      Optional<byte[]> longLink)
      throws IOException {
    if (pax.keySet().stream().anyMatch(key -> key.startsWith("GNU.sparse."))) {
      throw invalid("sparse files are not supported");
    }
    byte[] name = longName.orElseGet(this::headerName);
    name = pax.getOrDefault("path", name);
    byte[] link = pax.getOrDefault("linkpath", longLink.orElseGet(() -> cut(157, 100)));
    byte kind = type == 0 ? TarEntry.FILE : type;
    if (kind == TarEntry.FILE && name.length > 0 && name[name.length - 1] == '/') {
      kind = TarEntry.DIRECTORY; // the oldest format marks directories so
    }
    long size = pax.containsKey("size") ? decimal(pax, "size") : headerSize;
    boolean hasBody = kind == TarEntry.FILE || kind == '7';
    if (size < 0) {
      throw invalid("a negative size");
    }
    boolean link0 =
        kind == TarEntry.HARD_LINK || kind == TarEntry.SYMLINK || kind == TarEntry.DIRECTORY;
    left = link0 || kind >= TarEntry.CHARACTER && kind <= TarEntry.FIFO ? 0 : size;
    padding = (int) (-left & (BLOCK - 1));
    BigDecimal mtime = pax.containsKey("mtime") ? time(pax) : BigDecimal.valueOf(number(136, 12));
    long seconds = mtime.setScale(0, RoundingMode.FLOOR).longValueExact();
    int nanos = mtime.subtract(BigDecimal.valueOf(seconds)).movePointRight(9).intValue();
    var xattrs = new TreeMap<String, byte[]>();
    pax.forEach((key, value) -> {
      if (key.startsWith("SCHILY.xattr.")) {
        xattrs.put(key.substring("SCHILY.xattr.".length()), value);
      }
    });
    return new TarEntry(
        path(name),
        kind == '7' ? TarEntry.FILE : kind,
        (int) number(100, 8) & 07777,
        pax.containsKey("uid") ? decimal(pax, "uid") : number(108, 8),
        pax.containsKey("gid") ? decimal(pax, "gid") : number(116, 8),
        hasBody ? size : 0,
        seconds,
        nanos,
        path(link),
        number(329, 8),
        number(337, 8),
        xattrs);
  }

  private BytePath path(byte[] bytes) {
    try {
      return BytePath.ofBytes(bytes);
    } catch (IllegalArgumentException e) {
      throw invalid("a name with a NUL byte");
    }
  }

  private byte[] headerName() {
    byte[] name = cut(0, 100);
    boolean posix = new String(header, 257, 6, StandardCharsets.ISO_8859_1).equals("ustar\0");
    byte[] prefix = posix ? cut(345, 155) : new byte[0];
    if (prefix.length == 0) {
      return name;
    }
    byte[] all = Arrays.copyOf(prefix, prefix.length + 1 + name.length);
    all[prefix.length] = '/';
    System.arraycopy(name, 0, all, prefix.length + 1, name.length);
    return all;
  }

  /** Reads up to {@code length} bytes of the current body; -1 at its end. */
  public int read(byte[] to, int offset, int length) throws IOException {
    if (left == 0) {
      return -1;
    }
    int n = in.read(to, offset, (int) Math.min(length, left));
    if (n < 0) {
      throw invalid("unexpected EOF");
    }
    left -= n;
    return n;
  }

  private void skipBody() throws IOException {
    try {
      in.skipNBytes(left + padding);
    } catch (java.io.EOFException e) {
      throw invalid("unexpected EOF");
    }
    left = 0;
    padding = 0;
  }

  private boolean readHeader() throws IOException {
    int n = in.readNBytes(header, 0, BLOCK);
    if (n == 0) {
      return false; // some writers leave out the end
    }
    if (n < BLOCK) {
      throw invalid("unexpected EOF");
    }
    int sum = 8 * ' ';
    boolean empty = true;
    for (int i = 0; i < BLOCK; i++) {
      empty &= header[i] == 0;
      sum += i >= 148 && i < 156 ? 0 : header[i] & 0xff;
    }
    if (empty) {
      return false;
    }
    if (number(148, 8) != sum) {
      throw invalid("invalid tar header");
    }
    return true;
  }

  /** A number in octal digits, or in base 256 where the first bit is set (GNU). */
  private long number(int at, int size) {
    if ((header[at] & 0x80) != 0) {
      long value = (header[at] & 0x40) != 0 ? -1 : 0;
      for (int i = at; i < at + size; i++) {
        value = value << 8 | (i == at ? (header[i] & 0x3f) | (value & 0xc0) : header[i] & 0xff);
      }
      return value;
    }
    long value = 0;
    for (int i = at; i < at + size; i++) {
      byte c = header[i];
      if (c >= '0' && c <= '7') {
        value = value << 3 | c - '0';
      } else if (c != ' ' && c != 0) {
        throw invalid("invalid tar header");
      } else if (value != 0) {
        break;
      }
    }
    return value;
  }

  private byte[] cut(int at, int size) {
    return cut(Arrays.copyOfRange(header, at, at + size));
  }

  private static byte[] cut(byte[] text) {
    for (int i = 0; i < text.length; i++) {
      if (text[i] == 0) {
        return Arrays.copyOf(text, i);
      }
    }
    return text;
  }

  private static void records(byte[] body, TreeMap<String, byte[]> to) {
    int at = 0;
    while (at < body.length) {
      int space = at;
      long length = 0;
      while (space < body.length && body[space] != ' ') {
        if (body[space] < '0' || body[space] > '9' || length > body.length) {
          throw invalid("invalid pax header");
        }
        length = length * 10 + body[space++] - '0';
      }
      int end = (int) (at + length);
      int equal = space + 1;
      while (equal < end && equal < body.length && body[equal] != '=') {
        equal++;
      }
      if (end > body.length || equal >= end || body[end - 1] != '\n') {
        throw invalid("invalid pax header");
      }
      String key = new String(body, space + 1, equal - space - 1, StandardCharsets.UTF_8);
      byte[] value = Arrays.copyOfRange(body, equal + 1, end - 1);
      if (value.length == 0 && !key.startsWith("SCHILY.xattr.")) {
        to.remove(key); // an empty value takes an earlier one back
      } else {
        to.put(key, value);
      }
      at = end;
    }
  }

  private static long decimal(TreeMap<String, byte[]> pax, String key) {
    try {
      return Long.parseLong(new String(pax.get(key), StandardCharsets.US_ASCII));
    } catch (NumberFormatException e) {
      throw invalid("invalid pax header: " + key);
    }
  }

  private static BigDecimal time(TreeMap<String, byte[]> pax) {
    String text = new String(pax.get("mtime"), StandardCharsets.US_ASCII);
    if (text.length() > 40) {
      throw invalid("invalid pax header: mtime");
    }
    try {
      return new BigDecimal(text).setScale(9, RoundingMode.FLOOR);
    } catch (NumberFormatException e) {
      throw invalid("invalid pax header: mtime");
    }
  }

  private static BuildException invalid(String what) {
    return new BuildException(Kind.INVALID, "archive/tar: " + what);
  }
}
