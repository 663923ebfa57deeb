package dev.kiln.control;

import dev.kiln.exporters.ExportSource;
import dev.kiln.exporters.ResultPlatforms;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Whether a result is for the platforms that were asked for. Pure. Source of rules and words:
 * BuildKit v0.22 {@code exporter/verifier/platforms.go}.
 */
final class PlatformCheck {
  private PlatformCheck() {}

  /**
   * What to tell the user.
   *
   * @param asked the frontend option {@code platform}, comma-separated
   * @throws BuildException for several states without a word for which platforms
   */
  static List<String> warnings(ExportSource result, Optional<String> asked) {
    if (!result.metadata().containsKey(ResultPlatforms.KEY)) {
      if (result.isMap()) {
        throw new BuildException(
            Kind.UNKNOWN, "build result contains multiple refs without platforms mapping");
      }
      if (result.ref().isEmpty()) {
        return List.of();
      }
    }
    var wanted = new TreeSet<String>();
    var wrong = new java.util.ArrayList<String>();
    for (String text : asked.map(a -> a.split(",", -1)).orElse(new String[0])) {
      try {
        if (!wanted.add(Platform.parse(text).format())) {
          wrong.add("Duplicate platform result requested \"" + text + "\"");
        }
      } catch (BuildException e) {
        wrong.add("Invalid platform result requested \"" + text + "\": " + e.getMessage());
      }
    }
    if (!wrong.isEmpty()) {
      return List.copyOf(wrong);
    }
    if (asked.isEmpty()) {
      wanted.add(Platform.host().format());
    }
    List<Platform> made =
        ResultPlatforms.of(result.metadata()).entries().stream()
            .map(ResultPlatforms.Entry::platform)
            .toList();
    if (wanted.size() == 1 && made.size() == 1) {
      return single(wanted.first(), made.getFirst());
    }
    if (!result.isMap() && wanted.size() > 1) {
      return List.of("Multiple platforms requested but result is not multi-platform");
    }
    var names = new TreeSet<String>();
    made.forEach(p -> names.add(p.format()));
    return made.size() == wanted.size() && wanted.containsAll(names)
        ? List.of()
        : List.of(
            "Requested platforms "
                + joined(wanted)
                + " do not match result platforms "
                + joined(names));
  }

  /** The system's version counts only where it was asked for. */
  private static List<String> single(String wanted, Platform made) {
    boolean fits =
        wanted.equals(made.format())
            || wanted.indexOf('(') < 0 && wanted.equals(made.formatShort());
    return fits
        ? List.of()
        : List.of(
            "Requested platform \""
                + wanted
                + "\" does not match result platform \""
                + made.format()
                + "\"");
  }

  private static String joined(Collection<String> names) {
    return String.join(",", names);
  }
}
