package dev.kiln.control.history;

import dev.kiln.model.BuildException;
import dev.kiln.model.GoBool;
import dev.kiln.model.Kind;
import java.util.Map;

/**
 * How a client wants provenance (features ). Immutable. Source: BuildKit v0.22 {@code
 * solver/llbsolver/provenance.go}.
 *
 * @param max whether parameters, steps and sources are told in full
 * @param v1 whether the statement is of SLSA v1 and not v0.2
 * @param inlineOnly only for images, not for files
 * @param filename in file exports
 * @param usage whether it is told what steps and machine used
 */
public record ProvenanceOptions(
    boolean max,
    boolean v1,
    String builderId,
    boolean reproducible,
    boolean inlineOnly,
    String filename,
    boolean usage) {
  private static final String FILENAME = "provenance.json";

  /** For the record of a build. */
  public static ProvenanceOptions full(String builderId) {
    return new ProvenanceOptions(true, false, builderId, false, false, FILENAME, true);
  }

  /**
   * @param attrs the {@code key=value}s of {@code attest:provenance}
   * @throws BuildException for values that cannot be understood
   */
  public static ProvenanceOptions parse(Map<String, String> attrs) {
    String mode = attrs.getOrDefault("mode", "max");
    boolean max =
        switch (mode) {
          case "max", "full" -> true;
          case "min" -> false;
          default -> throw new BuildException(Kind.UNKNOWN, "invalid mode \"" + mode + "\"");
        };
    boolean v1 =
        switch (attrs.getOrDefault("version", "v0.2")) {
          case "v1" -> true;
          case "v0.2", "" -> false;
          case String other ->
              throw new BuildException(
                  Kind.UNKNOWN, "invalid provenance version \"" + other + "\"");
        };
    return new ProvenanceOptions(
        max,
        v1,
        attrs.getOrDefault("builder-id", ""),
        flag(attrs, "reproducible"),
        GoBool.isTrue(attrs.getOrDefault("inline-only", "")),
        attrs.getOrDefault("filename", FILENAME),
        GoBool.isTrue(attrs.getOrDefault("capture-usage", "")));
  }

  private static boolean flag(Map<String, String> attrs, String key) {
    String text = attrs.get(key);
    if (text == null) {
      return false;
    }
    return GoBool.parse(text)
        .orElseThrow(() ->
            new BuildException(
                Kind.UNKNOWN,
                "failed to parse "
                    + key
                    + " flag \""
                    + text
                    + "\": strconv.ParseBool: parsing \""
                    + text
                    + "\": invalid syntax"));
  }
}
