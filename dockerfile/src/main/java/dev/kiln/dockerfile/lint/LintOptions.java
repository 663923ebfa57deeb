package dev.kiln.dockerfile.lint;

import dev.kiln.dockerfile.text.GoText;
import dev.kiln.model.BuildException;
import dev.kiln.model.GoBool;
import dev.kiln.model.Kind;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Which checks run, from {@code # check=skip=A,B|all;error=bool;experimental=C|all} or the build
 * argument {@code BUILDKIT_DOCKERFILE_CHECK} (features F-54). Immutable.
 */
public record LintOptions(
    boolean skipAll,
    Set<String> skipped,
    boolean experimentalAll,
    Set<String> experimental,
    boolean failOnWarning) {
  public static final LintOptions DEFAULT =
      new LintOptions(false, Set.of(), false, Set.of(), false);

  public LintOptions {
    skipped = Set.copyOf(skipped);
    experimental = Set.copyOf(experimental);
  }

  /**
   * @throws BuildException {@code INVALID}, naming the part that is not understood
   */
  public static LintOptions parse(String text) {
    String options = GoText.trim(text);
    if (options.isEmpty()) {
      return DEFAULT;
    }
    boolean skipAll = false;
    Set<String> skipped = Set.of();
    boolean experimentalAll = false;
    Set<String> experimental = Set.of();
    boolean fail = false;
    for (String part : options.split(";", 3)) {
      int equals = part.indexOf('=');
      if (equals < 0) {
        throw invalid("invalid check option " + GoText.quote(part));
      }
      String key = GoText.trim(part.substring(0, equals));
      String value = GoText.trim(part.substring(equals + 1));
      switch (key) {
        case "skip" -> {
          skipAll = value.equals("all");
          skipped = skipAll ? Set.of() : names(value);
        }
        case "experimental" -> {
          experimentalAll = value.equals("all");
          experimental = experimentalAll ? Set.of() : names(value);
        }
        case "error" ->
            fail =
                GoBool.parse(value)
                    .orElseThrow(() ->
                        invalid(
                            "failed to parse check option "
                                + GoText.quote(part)
                                + ": strconv.ParseBool: parsing "
                                + GoText.quote(value)
                                + ": invalid syntax"));
        default -> throw invalid("invalid check option " + GoText.quote(key));
      }
    }
    return new LintOptions(skipAll, skipped, experimentalAll, experimental, fail);
  }

  boolean runs(Rule rule) {
    return rule.experimental()
        ? experimentalAll || experimental.contains(rule.id())
        : !skipAll && !skipped.contains(rule.id());
  }

  private static Set<String> names(String list) {
    var names = new LinkedHashSet<String>();
    Arrays.stream(list.split(",", -1)).map(GoText::trim).forEach(names::add);
    return names;
  }

  private static BuildException invalid(String message) {
    return new BuildException(Kind.INVALID, message);
  }
}
