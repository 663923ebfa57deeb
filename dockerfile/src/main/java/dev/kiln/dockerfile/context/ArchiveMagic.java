package dev.kiln.dockerfile.context;

import com.google.re2j.Pattern;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Tells from its first bytes whether a file is an archive that a copy would unpack. Pure. */
final class ArchiveMagic {
  private static final List<byte[]> COMPRESSED =
      List.of(
          new byte[] {'B', 'Z', 'h'},
          new byte[] {0x1f, (byte) 0x8b, 0x08},
          new byte[] {(byte) 0xfd, '7', 'z', 'X', 'Z', 0});
  private static final int BLOCK = 512;
  private static final int CHECKSUM_AT = 148;
  private static final int CHECKSUM_LENGTH = 8;

  private ArchiveMagic() {}

  static boolean matches(byte[] start) {
    for (byte[] magic : COMPRESSED) {
      if (start.length >= magic.length
          && java.util.Arrays.equals(start, 0, magic.length, magic, 0, magic.length)) {
        return true;
      }
    }
    return isTar(start);
  }

  /** A tar header holds the sum of its own bytes, the sum's field counted as blanks. */
  private static boolean isTar(byte[] start) {
    if (start.length < BLOCK) {
      return false;
    }
    String field =
        new String(start, CHECKSUM_AT, CHECKSUM_LENGTH, StandardCharsets.ISO_8859_1)
            .replace('\0', ' ')
            .strip();
    if (!Pattern.matches("[0-7]+", field)) {
      return false;
    }
    int sum = 0;
    for (int i = 0; i < BLOCK; i++) {
      boolean inField = i >= CHECKSUM_AT && i < CHECKSUM_AT + CHECKSUM_LENGTH;
      sum += inField ? ' ' : start[i] & 0xff;
    }
    return sum == Integer.parseInt(field, 8);
  }
}
