package dev.kiln.store.layer;

import java.util.Arrays;

/** The header of a block with codes of its own: their lengths, packed (RFC 1951, 3.2.7). */
final class CodeLengths {
  private static final int[] ORDER = {
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15
  };

  private final int literals;
  private final int distances;
  private final int[] symbols; // symbol, and above it the value of its extra bits
  private final HuffmanCode code;
  private final int codes;
  private final long sizeBits;

  /** Takes bits, lowest first. */
  interface BitSink {
    void bits(int value, int length);
  }

  private CodeLengths(int literals, int distances, int[] symbols, int[] counts) {
    this.literals = literals;
    this.distances = distances;
    this.symbols = symbols;
    this.code = HuffmanCode.of(counts, 7);
    int n = ORDER.length;
    while (n > 4 && code.lengths()[ORDER[n - 1]] == 0) {
      n--;
    }
    this.codes = n;
    this.sizeBits =
        17 + 3L * n + code.sizeBits(counts) + 2L * counts[16] + 3L * counts[17] + 7L * counts[18];
  }

  static CodeLengths of(byte[] literalLengths, byte[] distanceLengths) {
    int literals = used(literalLengths, 257);
    int distances = used(distanceLengths, 1);
    byte[] all = Arrays.copyOf(literalLengths, literals + distances);
    System.arraycopy(distanceLengths, 0, all, literals, distances);
    int[] symbols = new int[all.length];
    int[] counts = new int[19];
    int n = 0;
    for (int i = 0; i < all.length; ) {
      int run = 1;
      while (i + run < all.length && all[i + run] == all[i] && run < 138) {
        run++;
      }
      if (all[i] == 0 && run >= 3) {
        symbols[n] = run < 11 ? 17 | run - 3 << 8 : 18 | run - 11 << 8;
        i += run;
      } else if (i > 0 && all[i] == all[i - 1] && run >= 3) {
        int repeat = Math.min(run, 6);
        symbols[n] = 16 | repeat - 3 << 8;
        i += repeat;
      } else {
        symbols[n] = all[i];
        i++;
      }
      counts[symbols[n++] & 0xff]++;
    }
    return new CodeLengths(literals, distances, Arrays.copyOf(symbols, n), counts);
  }

  private static int used(byte[] lengths, int least) {
    int n = lengths.length;
    while (n > least && lengths[n - 1] == 0) {
      n--;
    }
    return n;
  }

  long sizeBits() {
    return sizeBits;
  }

  void write(BitSink to) {
    to.bits(literals - 257, 5);
    to.bits(distances - 1, 5);
    to.bits(codes - 4, 4);
    for (int i = 0; i < codes; i++) {
      to.bits(code.lengths()[ORDER[i]], 3);
    }
    for (int each : symbols) {
      int symbol = each & 0xff;
      to.bits(code.codes()[symbol], code.lengths()[symbol]);
      switch (symbol) {
        case 16 -> to.bits(each >>> 8, 2);
        case 17 -> to.bits(each >>> 8, 3);
        case 18 -> to.bits(each >>> 8, 7);
        default -> {}
      }
    }
  }
}
