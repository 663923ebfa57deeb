package dev.kiln.store.layer;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.sys.BytePath;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Reads a tar stream: ustar, pax extended headers, GNU long names and numbers. Names stay bytes,
 * which is why it is not a library's. Sparse files are refused. Of several headers that say the
 * same, the one counts that counts for Go's {@code archive/tar} (1.26): the last {@code x} alone, a
 * GNU long name before a pax one, a global header for nothing. What headers hold is bounded. One
 * thread; the stream stays its owner's.
 */
public final class TarReader {
  private static final int BLOCK = 512;
  private static final int MAX_HEADER_BYTES = 1 << 20; // an extended header, as in Go's reader
  private static final int MAX_HEADERS_BYTES = 1 << 23; // all in front of one entry
  private static final int SKIP = 1 << 20;
  private static final byte CONTIGUOUS = '7';
  private static final String XATTR = "SCHILY.xattr.";
  private final InputStream in;
  private final byte[] header = new byte[BLOCK];
  private long left;
  private int padding;

  public TarReader(InputStream in) {
    this.in = in;
  }

  /**
   * The next entry; empty at the end. What was not read of the last body is skipped.
   *
   * @throws BuildException {@code INVALID} for what is no tar stream or exceeds a limit
   */
  public Optional<TarEntry> next() throws IOException {
    SortedMap<String, byte[]> pax = new TreeMap<>();
    Optional<byte[]> longName = Optional.empty();
    Optional<byte[]> longLink = Optional.empty();
    long headers = 0;
    while (true) {
      skipBody();
      if (!readHeader()) {
        return Optional.empty();
      }
      byte type = header[156];
      long size = number(124, 12);
      if ("xgLK".indexOf(type) >= 0) {
        headers += BLOCK + size;
        if (headers > MAX_HEADERS_BYTES) {
          throw invalid("extended headers of more than " + MAX_HEADERS_BYTES + " bytes in a row");
        }
      }
      switch (type) {
        case 'x' -> pax = records(special(size));
        case 'g' -> {
          records(special(size));
          pax = new TreeMap<>();
          longName = Optional.empty();
          longLink = Optional.empty();
        }
        case 'L' -> longName = Optional.of(cut(special(size))).filter(n -> n.length > 0);
        case 'K' -> longLink = Optional.of(cut(special(size))).filter(n -> n.length > 0);
        case 'S' -> throw invalid("sparse files are not supported");
        default -> {
          return Optional.of(entry(type, size, pax, longName, longLink));
        }
      }
    }
  }

  private byte[] special(long size) throws IOException {
    if (size < 0 || size > MAX_HEADER_BYTES) {
      throw invalid("an extended header of " + size + " bytes");
    }
    byte[] body = in.readNBytes((int) size);
    if (body.length < size) {
      throw invalid("unexpected EOF");
    }
    skip(-size & (BLOCK - 1));
    return body;
  }

  private TarEntry entry(
      byte type,
      long headerSize,
      SortedMap<String, byte[]> pax,
      Optional<byte[]> longName,
      Optional<byte[]> longLink) {
    var xattrs = new TreeMap<String, byte[]>();
    pax.forEach((key, value) -> {
      if (key.startsWith("GNU.sparse.")) {
        throw invalid("sparse files are not supported");
      }
      if (key.startsWith(XATTR)) {
        if (key.indexOf('\0') >= 0) {
          throw invalid("a name of an extended attribute with a NUL byte");
        }
        xattrs.put(key.substring(XATTR.length()), value);
      }
    });
    byte[] name = longName.orElseGet(() -> pax.getOrDefault("path", headerName()));
    byte[] link = longLink.orElseGet(() -> pax.getOrDefault("linkpath", cut(157, 100)));
    byte kind = type == 0 || type == CONTIGUOUS ? TarEntry.FILE : type;
    if (kind == TarEntry.FILE && name.length > 0 && name[name.length - 1] == '/') {
      kind = TarEntry.DIRECTORY; // the oldest format marks directories so
    }
    long size = body(kind, pax.containsKey("size") ? decimal(pax, "size") : headerSize);
    PaxTime mtime =
        pax.containsKey("mtime")
            ? PaxTime.parse(pax.get("mtime"))
            : new PaxTime(number(136, 12), 0);
    return new TarEntry(
        path(name),
        kind,
        (int) number(100, 8) & 07777,
        pax.containsKey("uid") ? decimal(pax, "uid") : number(108, 8),
        pax.containsKey("gid") ? decimal(pax, "gid") : number(116, 8),
        kind == TarEntry.FILE ? size : 0,
        mtime.seconds(),
        mtime.nanos(),
        path(link),
        number(329, 8),
        number(337, 8),
        xattrs);
  }

  /** Sets how much of the stream belongs to an entry of that kind; links and folders have none. */
  private long body(byte kind, long size) {
    if (size < 0 || size > Long.MAX_VALUE - BLOCK) {
      throw invalid("a size of " + size);
    }
    left = kind >= TarEntry.HARD_LINK && kind <= TarEntry.FIFO ? 0 : size;
    padding = (int) (-left & (BLOCK - 1));
    return size;
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
    endIfInterrupted();
    int n = in.read(to, offset, (int) Math.min(length, left));
    if (n < 0) {
      throw invalid("unexpected EOF");
    }
    left -= n;
    return n;
  }

  private void skipBody() throws IOException {
    skip(left + padding);
    left = 0;
    padding = 0;
  }

  private void skip(long bytes) throws IOException {
    try {
      for (long rest = bytes; rest > 0; rest -= Math.min(rest, SKIP)) {
        endIfInterrupted();
        in.skipNBytes(Math.min(rest, SKIP));
      }
    } catch (EOFException e) {
      throw invalid("unexpected EOF");
    }
  }

  /** A few compressed bytes can stand for terabytes: whoever waits must be able to give up. */
  private static void endIfInterrupted() throws IOException {
    if (Thread.currentThread().isInterrupted()) {
      throw new ClosedByInterruptException();
    }
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

  private static SortedMap<String, byte[]> records(byte[] body) {
    var to = new TreeMap<String, byte[]>();
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
      if (value.length == 0 && !key.startsWith(XATTR)) {
        to.remove(key); // an empty value takes an earlier one back
      } else {
        to.put(key, value);
      }
      at = end;
    }
    return to;
  }

  private static long decimal(SortedMap<String, byte[]> pax, String key) {
    try {
      return Long.parseLong(new String(pax.get(key), StandardCharsets.US_ASCII));
    } catch (NumberFormatException e) {
      throw invalid("invalid pax header: " + key);
    }
  }

  static BuildException invalid(String what) {
    return new BuildException(Kind.INVALID, "archive/tar: " + what);
  }
}
