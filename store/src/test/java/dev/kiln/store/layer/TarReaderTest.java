package dev.kiln.store.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collections;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Streams that a hostile or old writer makes; what Go's reader takes is told by its name. */
@Timeout(20)
class TarReaderTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "1e100000000",
        "1e-100000000",
        "1E5",
        "0x10",
        "1.2.3",
        "1.-5",
        "1,5",
        "",
        ".",
        "-",
        "9223372036854775808",
        "-9223372036854775808.5"
      })
  void aTimeIsDigitsAndOneDot(String mtime) {
    byte[] stream = join(header('x', record("mtime", mtime + "\u0000".repeat(0))), file("f"));
    if (mtime.isEmpty()) {
      assertThat(read(stream).mtimeSeconds()).isZero(); // an empty value takes the record back
    } else {
      assertThatThrownBy(() -> read(stream))
          .isInstanceOf(BuildException.class)
          .hasMessageContaining("invalid pax header: mtime");
    }
  }

  @Test
  void anAttributesNameHasNoNul() {
    byte[] stream = join(header('x', record("SCHILY.xattr.user.a\0b", "v")), file("f"));
    assertThatThrownBy(() -> read(stream))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("a name of an extended attribute with a NUL byte");
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0, 0",
    "1700000000, 1700000000, 0",
    "+5, 5, 0",
    "5., 5, 0",
    "5.5, 5, 500000000",
    "5.1234567899999, 5, 123456789",
    "-5, -5, 0",
    "-0.5, -1, 500000000",
    "-1.5, -2, 500000000",
    "9223372036854775807, 9223372036854775807, 0"
  })
  void timesReadAsGoReadsThem(String mtime, long seconds, int nanos) {
    TarEntry entry = read(join(header('x', record("mtime", mtime)), file("f")));
    assertThat(entry.mtimeSeconds()).isEqualTo(seconds);
    assertThat(entry.mtimeNanos()).isEqualTo(nanos);
  }

  @ParameterizedTest
  @ValueSource(chars = {'g', 'x', 'L', 'K'})
  void headersWithoutEndAreRefused(char type) {
    byte[] one = header(type, record("comment", "c".repeat(1_000_000)));
    var endless =
        new SequenceInputStream(
            Collections.enumeration(
                IntStream.range(0, 100).mapToObj(_ -> new ByteArrayInputStream(one)).toList()));
    assertThatThrownBy(() -> new TarReader(endless).next())
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("extended headers of more than");
  }

  @Test
  void manyGlobalHeadersBeforeManyEntriesLeaveNothingBehind() throws IOException {
    var bytes = new ByteArrayOutputStream();
    for (int i = 0; i < 200; i++) {
      bytes.writeBytes(header('g', record("k" + i, "v".repeat(100_000))));
      bytes.writeBytes(file("f" + i));
    }
    var reader = new TarReader(new ByteArrayInputStream(bytes.toByteArray()));
    for (int i = 0; i < 200; i++) {
      assertThat(reader.next().orElseThrow().name().toString()).isEqualTo("f" + i);
    }
  }

  @Test
  void theLastExtendedHeaderCountsAndGlobalOnesDoNot() {
    byte[] first = header('x', join(record("path", "one"), record("uid", "7")));
    byte[] last = header('x', record("path", "two"));
    TarEntry entry = read(join(header('g', record("path", "global")), first, last, file("f")));
    assertThat(entry.name().toString()).isEqualTo("two");
    assertThat(entry.uid()).isZero();
  }

  @Test
  void aGnuLongNameCountsBeforeAPaxPath() {
    byte[] gnu = header('L', "gnu\0".getBytes(StandardCharsets.US_ASCII));
    assertThat(read(join(gnu, header('x', record("path", "pax")), file("f"))).name().toString())
        .isEqualTo("gnu");
  }

  @ParameterizedTest
  @ValueSource(strings = {"9223372036854775807", "-1", "99999999999999999999"})
  void aSizeThatCannotBeIsRefused(String size) {
    assertThatThrownBy(() -> read(join(header('x', record("size", size)), file("f"))))
        .isInstanceOf(BuildException.class);
  }

  @Test
  void aBodyWithoutEndIsLeftWhenInterrupted() throws Exception {
    var zeros =
        new InputStream() {
          @Override
          public int read() {
            return 0;
          }

          @Override
          public int read(byte[] to, int offset, int length) {
            return length;
          }
        };
    var stream =
        new SequenceInputStream(
            new ByteArrayInputStream(
                join(header('x', record("size", "4611686018427387904")), file("f"))),
            zeros);
    var reader = new TarReader(stream);
    reader.next();
    var failure = new Throwable[1];
    Thread skipping =
        Thread.ofPlatform()
            .start(() -> {
              try {
                reader.next();
              } catch (IOException | RuntimeException e) {
                failure[0] = e;
              }
            });
    skipping.interrupt();
    assertThat(skipping.join(Duration.ofSeconds(15))).isTrue();
    assertThat(failure[0]).isInstanceOf(ClosedByInterruptException.class);
  }

  private static TarEntry read(byte[] stream) {
    try {
      return new TarReader(new ByteArrayInputStream(stream)).next().orElseThrow();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static byte[] record(String key, String value) {
    int bare = key.length() + value.length() + 3;
    int size = bare + Integer.toString(bare).length();
    size = bare + Integer.toString(size).length();
    return (size + " " + key + "=" + value + "\n").getBytes(StandardCharsets.US_ASCII);
  }

  private static byte[] file(String name) {
    return block((byte) '0', name, 0);
  }

  private static byte[] header(char type, byte[] body) {
    byte[] padded = java.util.Arrays.copyOf(body, (body.length + 511) / 512 * 512);
    return join(block((byte) type, "header", body.length), padded);
  }

  private static byte[] block(byte type, String name, int size) {
    var bytes = new ByteArrayOutputStream();
    try (var tar = new TarWriter(bytes)) {
      tar.entry(TarEntry.file(name, 0644, size, 0));
      tar.body(new byte[size]);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    byte[] block = java.util.Arrays.copyOf(bytes.toByteArray(), 512);
    int sum = Integer.parseInt(new String(block, 148, 6, StandardCharsets.US_ASCII), 8);
    block[156] = type;
    byte[] sums = "%06o".formatted(sum + type - '0').getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(sums, 0, block, 148, sums.length);
    return block;
  }

  private static byte[] join(byte[]... parts) {
    var all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }
}
