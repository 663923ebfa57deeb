package dev.kiln.store.layer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.store.Compression;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.Random;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;

class CompressorTest {
  private static byte[] packed(byte[] bytes, Compression how) throws IOException {
    var out = new ByteArrayOutputStream();
    try (var to = Compressor.to(out, how)) {
      for (int at = 0; at < bytes.length; at += 100_000) {
        to.write(bytes, at, Math.min(100_000, bytes.length - at));
      }
    }
    return out.toByteArray();
  }

  private static byte[] unpacked(byte[] bytes) throws IOException {
    try (InputStream in = Decompression.of(new ByteArrayInputStream(bytes))) {
      return in.readAllBytes();
    }
  }

  private static Compression gzip(int level) {
    return new Compression(Compression.Kind.GZIP, OptionalInt.of(level), false);
  }

  private static byte[] random(Random random, int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  private static byte[] text(int length) {
    var random = new Random(3);
    var words = new String[500];
    for (int i = 0; i < words.length; i++) {
      words[i] = Long.toString(random.nextLong(), 36).substring(0, 2 + random.nextInt(8));
    }
    var text = new StringBuilder();
    while (text.length() < length) {
      text.append(words[(int) Math.min(499, Math.abs(random.nextGaussian() * 100))]).append(' ');
    }
    return text.substring(0, length).getBytes(StandardCharsets.US_ASCII);
  }

  @Test
  void whatIsPackedUnpacksToTheSame() throws Exception {
    var random = new Random(42);
    for (int size :
        new int[] {
          0, 1, 3, 7, 8, 9, 257, 258, 259, 40_000, 65_535, 65_536, 262_143, 262_144, 262_145,
          300_000, 1_000_000
        }) {
      byte[] zeros = new byte[size];
      byte[] noise = random(random, size);
      byte[] words = text(size);
      byte[] mixed = words.clone();
      System.arraycopy(noise, 0, mixed, 0, size / 2);
      byte[] few = noise.clone();
      for (int i = 0; i < size; i++) {
        few[i] = (byte) (few[i] & 3);
      }
      for (byte[] input : new byte[][] {zeros, noise, words, mixed, few}) {
        for (Compression how : new Compression[] {Compression.GZIP, gzip(6), gzip(1)}) {
          byte[] once = packed(input, how);
          assertThat(new GZIPInputStream(new ByteArrayInputStream(once)).readAllBytes())
              .as("%s bytes, %s", size, how)
              .isEqualTo(input);
          assertThat(packed(input, how)).isEqualTo(once);
        }
        assertThat(
                unpacked(
                    packed(
                        input, new Compression(Compression.Kind.ZSTD, OptionalInt.empty(), false))))
            .isEqualTo(input);
      }
    }
  }

  @Test
  void randomSchedulesOfSkewedSymbolsUnpack() throws Exception {
    for (int seed = 0; seed < 200; seed++) {
      var random = new Random(seed);
      byte[] input = new byte[random.nextInt(20_000)];
      double skew = random.nextDouble() * 40;
      for (int i = 0; i < input.length; i++) {
        input[i] = (byte) (int) Math.abs(random.nextGaussian() * skew);
        if (random.nextInt(50) == 0 && i > 300) {
          int n = Math.min(random.nextInt(300), input.length - i);
          System.arraycopy(input, random.nextInt(i - 299), input, i, n);
          i += Math.max(0, n - 1);
        }
      }
      assertThat(unpacked(packed(input, Compression.GZIP))).as("seed %s", seed).isEqualTo(input);
    }
  }

  @Test
  void veryUnevenCountsStayWithinTheLongestCode() {
    int[] counts = new int[286];
    long a = 1;
    long b = 1;
    for (int i = 0; i < 30; i++) { // Fibonacci: the deepest tree there is
      counts[i] = (int) Math.min(a, 1 << 30);
      long next = a + b;
      a = b;
      b = next;
    }
    HuffmanCode code = HuffmanCode.of(counts, 15);
    double used = 0;
    for (byte length : code.lengths()) {
      assertThat(length).isBetween((byte) 0, (byte) 15);
      used += length == 0 ? 0 : Math.pow(2, -length);
    }
    assertThat(used).isEqualTo(1.0);
  }

  @Test
  void textShrinksAndNoiseHardlyGrows() throws Exception {
    byte[] words = text(1 << 20);
    assertThat(packed(words, Compression.GZIP).length).isLessThan(words.length / 2);
    byte[] noise = random(new Random(1), 1 << 20);
    assertThat(packed(noise, Compression.GZIP).length).isLessThan(noise.length + 1000);
    assertThat(Arrays.copyOf(packed(noise, Compression.GZIP), 2)).containsExactly(0x1f, 0x8b);
  }
}
