package dev.kiln.store.layer;

import com.github.luben.zstd.ZstdOutputStream;
import dev.kiln.store.Compression;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/** Streams that pack as a {@link Compression} says, on all cores; equal input gives equal bytes. */
public final class Compressor {
  private static final int DEFAULT_ZSTD = 3;

  private Compressor() {}

  /** A stream to write plain bytes to; closing it ends the packed stream but not {@code out}. */
  public static OutputStream to(OutputStream out, Compression compression) throws IOException {
    return switch (compression.kind()) {
      case UNCOMPRESSED -> new Unclosed(out);
      case GZIP -> {
        int level = compression.level().orElse(-1);
        yield new ParallelGzip(out, () -> level < 0 ? new FastDeflate() : new ZlibBlocks(level));
      }
      case ZSTD -> {
        var zstd =
            new ZstdOutputStream(new Unclosed(out), compression.level().orElse(DEFAULT_ZSTD));
        // with workers the bytes differ from those without, but not with their number
        zstd.setWorkers(Math.max(1, Runtime.getRuntime().availableProcessors()));
        zstd.setChecksum(true);
        yield zstd;
      }
    };
  }

  /** Passes everything on but the close. */
  private static final class Unclosed extends FilterOutputStream {
    Unclosed(OutputStream out) {
      super(out);
    }

    @Override
    public void write(byte[] from, int offset, int length) throws IOException {
      out.write(from, offset, length);
    }

    @Override
    public void close() throws IOException {
      flush();
    }
  }
}
