package dev.kiln.dockerfile.context;

import dev.kiln.dockerfile.text.CsvLine;
import dev.kiln.dockerfile.text.GoText;
import dev.kiln.model.BuildException;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Kind;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The statements about a build's result that its options ask for: {@code attest:TYPE}, or {@code
 * build-arg:BUILDKIT_ATTEST_TYPE}, over which the former wins (features A-01). Immutable.
 *
 * @param provenance the {@code key=value}s of its option
 */
public record AskedAttestations(
    Optional<SbomScanner> sbom, Optional<SortedMap<String, String>> provenance) {
  private static final String SCANNER = "docker/buildkit-syft-scanner:stable-1";
  private static final List<String> PREFIXES = List.of("build-arg:BUILDKIT_ATTEST_", "attest:");

  /** The image that lists what a result is made of, and its parameters. */
  public record SbomScanner(String image, SortedMap<String, String> parameters) {}

  /**
   * @throws BuildException {@code INVALID} for a type that is not known or a value that cannot be
   *     understood
   */
  public static AskedAttestations parse(Map<String, String> opts) {
    var texts = new TreeMap<String, String>();
    for (String prefix : PREFIXES) {
      opts.forEach((key, value) -> {
        if (key.startsWith(prefix)) {
          texts.put(key.substring(prefix.length()).toLowerCase(Locale.ROOT), value);
        }
      });
    }
    var asked = new TreeMap<String, SortedMap<String, String>>();
    texts.forEach((type, text) -> asked.put(type, fields(type, text)));
    for (String type : asked.keySet()) {
      if (!type.equals("sbom") && !type.equals("provenance")) {
        throw invalid("unknown attestation type " + GoText.quote(type));
      }
    }
    return new AskedAttestations(
        Optional.ofNullable(asked.get("sbom")).map(AskedAttestations::scanner),
        Optional.ofNullable(asked.get("provenance")).map(Collections::unmodifiableSortedMap));
  }

  private static SortedMap<String, String> fields(String type, String text) {
    var fields = new TreeMap<String, String>();
    if (text.isEmpty()) {
      return fields;
    }
    try {
      for (String field : CsvLine.fields(text)) {
        int equals = field.indexOf('=');
        fields.put(
            equals < 0 ? field : field.substring(0, equals),
            equals < 0 ? "" : field.substring(equals + 1));
      }
    } catch (BuildException e) {
      throw e.wrap("failed to parse " + type);
    }
    return fields;
  }

  private static SbomScanner scanner(SortedMap<String, String> fields) {
    var parameters = new TreeMap<>(fields);
    String given = parameters.remove("generator");
    if (given != null && given.isEmpty()) {
      throw invalid("sbom generator cannot be empty");
    }
    String image = given == null ? SCANNER : given;
    try {
      return new SbomScanner(
          ImageRef.parseNormalized(image).toString(),
          Collections.unmodifiableSortedMap(parameters));
    } catch (BuildException e) {
      throw e.wrap("failed to parse sbom generator " + image);
    }
  }

  private static BuildException invalid(String message) {
    return new BuildException(Kind.INVALID, message);
  }
}
