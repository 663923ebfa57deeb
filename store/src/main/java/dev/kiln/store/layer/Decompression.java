package dev.kiln.store.layer;

import com.github.luben.zstd.ZstdInputStream;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;

/**
 * Takes the compression off a stream, which it knows by the first bytes: media types are not always
 * true. Any thread; closing what it returns closes the source.
 */
public final class Decompression {
  private static final int BUFFER = 1 << 17;

  private Decompression() {}

  /**
   * The stream unpacked from gzip or zstd, or as it is. It fails with {@code INVALID} where the
   * packed one ends too early.
   */
  public static InputStream of(InputStream packed) throws IOException {
    try {
      return unpacked(packed);
    } catch (EOFException e) {
      throw cut(e);
    }
  }

  /** The JDK's own says nothing, where the end is inside a header or a trailer. */
  private static BuildException cut(EOFException why) {
    return new BuildException(Kind.INVALID, "unexpected EOF in a compressed stream", why);
  }

  /** A stream that says in words that it ends too early. */
  private static final class Told extends FilterInputStream {
    Told(InputStream unpacked) {
      super(unpacked);
    }

    @Override
    public int read() throws IOException {
      try {
        return super.read();
      } catch (EOFException e) {
        throw cut(e);
      }
    }

    @Override
    public int read(byte[] to, int offset, int length) throws IOException {
      try {
        return super.read(to, offset, length);
      } catch (EOFException e) {
        throw cut(e);
      }
    }
  }

  private static InputStream unpacked(InputStream packed) throws IOException {
    var in = new BufferedInputStream(packed, BUFFER);
    in.mark(8);
    byte[] magic = in.readNBytes(4);
    in.reset();
    if (magic.length >= 2 && (magic[0] & 0xff) == 0x1f && (magic[1] & 0xff) == 0x8b) {
      return new BufferedInputStream(new Told(new GZIPInputStream(in, BUFFER)), BUFFER);
    }
    if (magic.length == 4 && little(magic) == 0xfd2fb528) {
      return new BufferedInputStream(
          new Told(new ZstdInputStream(in).setContinuous(false)), BUFFER);
    }
    if (magic.length >= 3 && magic[0] == 'B' && magic[1] == 'Z' && magic[2] == 'h') {
      throw new BuildException(Kind.INVALID, "bzip2 layers are not supported");
    }
    return in;
  }

  private static int little(byte[] b) {
    return b[0] & 0xff | (b[1] & 0xff) << 8 | (b[2] & 0xff) << 16 | b[3] << 24;
  }
}
