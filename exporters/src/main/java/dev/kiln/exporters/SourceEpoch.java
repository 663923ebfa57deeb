package dev.kiln.exporters;

import dev.kiln.model.BuildException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/** The time that a frontend wants results to bear: {@code SOURCE_DATE_EPOCH}. Any thread. */
public final class SourceEpoch {
  /** Metadata key: BuildKit v0.22 {@code exporter/exptypes/keys.go}. */
  public static final String KEY = "source.date.epoch";

  private SourceEpoch() {}

  /**
   * @throws BuildException where the value is no number of seconds
   */
  public static Optional<Instant> of(Map<String, byte[]> metadata) {
    byte[] told = metadata.get(KEY);
    if (told == null || told.length == 0) {
      return Optional.empty();
    }
    String text = new String(told, StandardCharsets.UTF_8);
    try {
      return Optional.of(Attributes.seconds("", text));
    } catch (BuildException e) {
      throw e.wrap("invalid SOURCE_DATE_EPOCH from frontend: \"" + text + "\"");
    }
  }
}
