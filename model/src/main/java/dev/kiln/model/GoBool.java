package dev.kiln.model;

import java.util.Optional;

/** Truth values in the spellings that Go's {@code strconv.ParseBool} takes. Pure. */
public final class GoBool {
  private GoBool() {}

  /** Empty for any other text. */
  public static Optional<Boolean> parse(String text) {
    return switch (text) {
      case "1", "t", "T", "true", "TRUE", "True" -> Optional.of(true);
      case "0", "f", "F", "false", "FALSE", "False" -> Optional.of(false);
      default -> Optional.empty();
    };
  }

  /** Whether the text is a true value; what is no truth value is not. */
  public static boolean isTrue(String text) {
    return parse(text).orElse(false);
  }
}
