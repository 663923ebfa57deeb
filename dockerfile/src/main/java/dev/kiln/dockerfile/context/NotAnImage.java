package dev.kiln.dockerfile.context;

import dev.kiln.model.BuildException;
import java.util.Optional;

/**
 * The failure by which the daemon says that a source policy turned an image into another kind of
 * source. The wording is the contract; it is also BuildKit's (v0.22 {@code
 * util/imageutil/config.go}).
 */
final class NotAnImage {
  private static final String START = "ref mutated by policy to non-image: ";
  private static final String ARROW = " -> ";

  private NotAnImage() {}

  /** The identifier that the policy put in the image's place; empty for any other failure. */
  static Optional<String> of(BuildException failure) {
    String message = failure.getMessage();
    int start = message.indexOf(START);
    int arrow = message.lastIndexOf(ARROW);
    return start < 0 || arrow < start
        ? Optional.empty()
        : Optional.of(message.substring(arrow + ARROW.length()));
  }
}
