package dev.kiln.store.layer;

import java.util.Arrays;

/**
 * A prefix code of bounded length for counted symbols, canonical and with its bits in DEFLATE's
 * order (RFC 1951, 3.2.2). The arrays are not written to afterwards.
 *
 * @param codes by symbol, first bit lowest
 * @param lengths by symbol; 0 where it does not occur
 */
record HuffmanCode(int[] codes, byte[] lengths) {

  /** The code for these counts; a single symbol gets one bit, as readers want at least one code. */
  static HuffmanCode of(int[] counts, int maxLength) {
    var lengths = new byte[counts.length];
    long[] sorted = new long[counts.length]; // count and symbol, to sort both at once
    int n = 0;
    for (int symbol = 0; symbol < counts.length; symbol++) {
      if (counts[symbol] > 0) {
        sorted[n++] = (long) counts[symbol] << 16 | symbol;
      }
    }
    if (n < 2) {
      lengths[n == 0 ? 0 : (int) (sorted[0] & 0xffff)] = 1;
      return new HuffmanCode(codes(lengths, maxLength), lengths);
    }
    Arrays.sort(sorted, 0, n);
    int[] perLength = bounded(depths(sorted, n), maxLength);
    int symbol = 0; // the rarest get the longest codes
    for (int length = maxLength; length > 0; length--) {
      for (int i = 0; i < perLength[length]; i++) {
        lengths[(int) (sorted[symbol++] & 0xffff)] = (byte) length;
      }
    }
    return new HuffmanCode(codes(lengths, maxLength), lengths);
  }

  /** How many leaves of Huffman's tree lie at each depth: two queues, leaves and inner nodes. */
  private static int[] depths(long[] sorted, int n) {
    long[] weight = new long[2 * n - 1];
    int[] parent = new int[2 * n - 1];
    for (int i = 0; i < n; i++) {
      weight[i] = sorted[i] >>> 16;
    }
    int leaf = 0;
    int inner = n;
    for (int next = n; next < 2 * n - 1; next++) {
      for (int k = 0; k < 2; k++) {
        boolean takeLeaf = leaf < n && (inner >= next || weight[leaf] <= weight[inner]);
        int child = takeLeaf ? leaf++ : inner++;
        weight[next] += weight[child];
        parent[child] = next;
      }
    }
    int[] depth = new int[2 * n - 1];
    int[] leaves = new int[n + 1];
    for (int node = 2 * n - 3; node >= 0; node--) {
      depth[node] = depth[parent[node]] + 1;
      if (node < n) {
        leaves[depth[node]]++;
      }
    }
    return leaves;
  }

  /** Moves leaves that are too deep up, and others down until the code is complete again. */
  private static int[] bounded(int[] leaves, int maxLength) {
    int[] bounded = new int[maxLength + 1];
    for (int depth = 0; depth < leaves.length; depth++) {
      bounded[Math.min(depth, maxLength)] += leaves[depth];
    }
    long used = 0;
    for (int length = 1; length <= maxLength; length++) {
      used += (long) bounded[length] << maxLength - length;
    }
    while (used > 1L << maxLength) {
      int length = maxLength - 1;
      while (bounded[length] == 0) {
        length--;
      }
      bounded[length]--;
      bounded[length + 1] += 2;
      bounded[maxLength]--;
      used--;
    }
    return bounded;
  }

  private static int[] codes(byte[] lengths, int maxLength) {
    int[] perLength = new int[maxLength + 1];
    for (byte length : lengths) {
      perLength[length]++;
    }
    perLength[0] = 0;
    int[] next = new int[maxLength + 1];
    int code = 0;
    for (int length = 1; length <= maxLength; length++) {
      code = code + perLength[length - 1] << 1;
      next[length] = code;
    }
    int[] codes = new int[lengths.length];
    for (int symbol = 0; symbol < lengths.length; symbol++) {
      int length = lengths[symbol];
      if (length > 0) {
        codes[symbol] = Integer.reverse(next[length]++) >>> 32 - length;
      }
    }
    return codes;
  }

  /** Bits that the counted symbols take. */
  long sizeBits(int[] counts) {
    long size = 0;
    for (int symbol = 0; symbol < counts.length; symbol++) {
      size += (long) counts[symbol] * lengths[symbol];
    }
    return size;
  }
}
