package dev.kiln.dockerfile;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import dev.kiln.model.BuildException;
import dev.kiln.model.GoBool;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Kind;
import java.util.Map;

/**
 * Which frontend images this frontend may stand for. Docker's own image of a version of the
 * language says no more than what is built in, and costs a pull and a container; a client that
 * gives the build argument {@value #ARGUMENT} spares both. Pure.
 */
final class BuiltinSyntax {
  static final String ARGUMENT = "KILN_BUILTIN_SYNTAX";

  /** The version of the language that BuildKit v0.22 has built in; labs features are always on. */
  private static final int NEWEST_MINOR = 16;

  private static final Pattern VERSION =
      Pattern.compile("1(?:\\.([0-9]{1,3})(?:\\.[0-9]+)?)?(?:-labs)?");

  private BuiltinSyntax() {}

  /**
   * Whether the client asked for the built-in frontend wherever it will do.
   *
   * @throws BuildException {@code INVALID} if the argument is no boolean
   */
  static boolean isWanted(Map<String, String> opts) {
    String value = opts.getOrDefault("build-arg:" + ARGUMENT, "");
    return !value.isEmpty()
        && GoBool.parse(value)
            .orElseThrow(() ->
                new BuildException(
                    Kind.INVALID, "invalid boolean value for " + ARGUMENT + ": " + value));
  }

  /** Whether {@code image} names a version of {@code docker/dockerfile} that is built in. */
  static boolean covers(String image) {
    ImageRef ref;
    try {
      ref = ImageRef.parseNormalized(image);
    } catch (BuildException e) { // the gateway says what is wrong with it
      return false;
    }
    if (!ref.repository().equals("docker.io/docker/dockerfile") || ref.digest().isPresent()) {
      return false;
    }
    Matcher version = VERSION.matcher(ref.tag().orElse(""));
    return version.matches()
        && (version.group(1) == null || Integer.parseInt(version.group(1)) <= NEWEST_MINOR);
  }
}
