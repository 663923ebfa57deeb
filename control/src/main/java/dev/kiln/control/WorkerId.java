package dev.kiln.control;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.SecureRandom;

/**
 * The worker's id: random, in BuildKit's form (25 characters of base 36), kept in a file beside the
 * worker's state so that it stays the same over restarts.
 */
final class WorkerId {
  private static final int BITS = 128;
  private static final int LENGTH = 25;
  private static final int BASE = 36;

  private WorkerId() {}

  static String readOrMake(Path file) throws IOException {
    if (Files.isRegularFile(file)) {
      String id = Files.readString(file, StandardCharsets.US_ASCII).strip();
      if (!id.isEmpty()) {
        return id;
      }
    }
    String id = make();
    Files.createDirectories(file.getParent());
    Path made = file.resolveSibling(file.getFileName() + ".new");
    Files.writeString(made, id, StandardCharsets.US_ASCII);
    Files.move(made, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    return id;
  }

  static String make() {
    String digits = new BigInteger(BITS, new SecureRandom()).toString(BASE);
    return "0".repeat(LENGTH - digits.length()) + digits;
  }
}
