package dev.kiln.store.layer;

import java.util.Arrays;
import java.util.zip.Deflater;

/** Blocks packed by the JDK's zlib, at a level that the user chose. */
final class ZlibBlocks implements ParallelGzip.BlockPacker {
  private final int level;

  ZlibBlocks(int level) {
    this.level = level;
  }

  @Override
  public ParallelGzip.Packed pack(byte[] data, int window, int length, boolean last) {
    try (var deflater = new Deflater(level, true)) {
      if (window > 0) {
        deflater.setDictionary(data, 0, window);
      }
      deflater.setInput(data, window, length);
      if (last) {
        deflater.finish();
      }
      byte[] out = new byte[length + length / 8 + 64];
      int n = 0;
      while (true) {
        int some =
            deflater.deflate(
                out, n, out.length - n, last ? Deflater.NO_FLUSH : Deflater.SYNC_FLUSH);
        n += some;
        if (last ? deflater.finished() : n < out.length) {
          return new ParallelGzip.Packed(out, n);
        }
        out = Arrays.copyOf(out, out.length * 2);
      }
    }
  }
}
