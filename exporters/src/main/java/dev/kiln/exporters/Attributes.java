package dev.kiln.exporters;

import dev.kiln.model.BuildException;
import dev.kiln.model.EpochSeconds;
import dev.kiln.model.GoBool;
import dev.kiln.model.Kind;
import dev.kiln.store.Compression;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The attributes of one export, taken out one by one as they are understood; what is left are the
 * ones that no option claimed. Confined to one thread. The words of the errors are those of
 * BuildKit v0.22 {@code exporter/containerimage/opts.go}, which clients show as they are.
 */
public final class Attributes {
  private final SortedMap<String, String> left;

  public Attributes(Map<String, String> all) {
    left = new TreeMap<>(all);
  }

  public Optional<String> text(String key) {
    return Optional.ofNullable(left.remove(key));
  }

  /** A switch: absent is {@code otherwise}, empty is true. */
  public boolean flag(String key, boolean otherwise) {
    return text(key).map(v -> v.isEmpty() || bool(key, v)).orElse(otherwise);
  }

  /** As {@link #flag}, but an empty value is an error. */
  public boolean strictFlag(String key, boolean otherwise) {
    return text(key).map(v -> bool(key, v)).orElse(otherwise);
  }

  public Optional<Instant> epoch(String key) {
    return text(key).filter(v -> !v.isEmpty()).map(v -> seconds(key, v));
  }

  /**
   * Seconds since 1970 as users and frontends write them.
   *
   * @throws BuildException {@code UNKNOWN} for what is no number, {@code INVALID} for a time that
   *     files cannot bear
   */
  public static Instant seconds(String key, String value) {
    try {
      return EpochSeconds.instant(Long.parseLong(value))
          .orElseThrow(() ->
              new BuildException(
                  Kind.INVALID,
                  "invalid " + key + ": \"" + value + "\" is no time from 1677 to 2262"));
    } catch (NumberFormatException e) {
      throw new BuildException(
          Kind.UNKNOWN,
          "invalid " + key + ": strconv.ParseInt: parsing \"" + value + "\": invalid syntax",
          e);
    }
  }

  /** {@code compression}, {@code force-compression} and {@code compression-level}. */
  public Compression compression() {
    Compression.Kind kind =
        text("compression")
            .map(name ->
                switch (name) {
                  case "uncompressed" -> Compression.Kind.UNCOMPRESSED;
                  case "gzip" -> Compression.Kind.GZIP;
                  case "estargz" ->
                      throw new BuildException(
                          Kind.UNKNOWN, // a code of gRPC would be shown before the words
                          "compression estargz is not supported; use gzip or zstd");
                  case "zstd" -> Compression.Kind.ZSTD;
                  default ->
                      throw new BuildException(
                          Kind.UNKNOWN, "unsupported compression type " + name);
                })
            .orElse(Compression.Kind.GZIP);
    boolean force = flag("force-compression", false);
    return new Compression(
        kind, text("compression-level").map(Attributes::level).orElse(OptionalInt.empty()), force);
  }

  private static OptionalInt level(String text) {
    try {
      return OptionalInt.of(Integer.parseInt(text));
    } catch (NumberFormatException e) {
      throw new BuildException(
          Kind.UNKNOWN,
          "non-integer value "
              + text
              + " specified for compression-level: strconv.ParseInt: parsing \""
              + text
              + "\": invalid syntax",
          e);
    }
  }

  /** What no option has claimed, as metadata of the result. */
  public SortedMap<String, byte[]> rest() {
    var metadata = new TreeMap<String, byte[]>();
    left.forEach((k, v) -> metadata.put(k, v.getBytes(StandardCharsets.UTF_8)));
    return metadata;
  }

  private static boolean bool(String key, String value) {
    return GoBool.parse(value)
        .orElseThrow(() ->
            new BuildException(
                Kind.UNKNOWN,
                "non-bool value specified for "
                    + key
                    + ": strconv.ParseBool: parsing \""
                    + value
                    + "\": invalid syntax"));
  }
}
