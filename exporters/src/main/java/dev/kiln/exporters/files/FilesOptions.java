package dev.kiln.exporters.files;

import dev.kiln.exporters.Attributes;
import dev.kiln.model.BuildException;
import dev.kiln.model.GoBool;
import dev.kiln.model.Kind;
import dev.kiln.session.tree.TreeEntry;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * The options of file exports (features ). Immutable. Source: BuildKit v0.22 {@code
 * exporter/local/fs.go}.
 *
 * @param platformSplit a directory for each of several platforms
 */
record FilesOptions(Optional<Instant> epoch, String attestationPrefix, boolean platformSplit) {
  static FilesOptions parse(Map<String, String> attributes) {
    var left = new Attributes(attributes);
    boolean split =
        left.text("platform-split")
            .map(v ->
                GoBool.parse(v)
                    .orElseThrow(() ->
                        new BuildException(
                            Kind.UNKNOWN,
                            "non-bool value for platform-split: "
                                + v
                                + ": strconv.ParseBool: parsing \""
                                + v
                                + "\": invalid syntax")))
            .orElse(true);
    return new FilesOptions(
        left.epoch("source-date-epoch"), left.text("attestation-prefix").orElse(""), split);
  }

  FilesOptions withEpoch(Optional<Instant> otherwise) {
    return new FilesOptions(epoch.or(() -> otherwise), attestationPrefix, platformSplit);
  }

  /** The entry at the time of the epoch, where there is one. */
  TreeEntry timed(TreeEntry entry) {
    return epoch.map(e -> entry.modifiedAt(nanos(e))).orElse(entry);
  }

  static long nanos(Instant time) {
    return Math.addExact(Math.multiplyExact(time.getEpochSecond(), 1_000_000_000L), time.getNano());
  }
}
