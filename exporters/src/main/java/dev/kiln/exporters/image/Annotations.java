package dev.kiln.exporters.image;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The annotations that a client or frontend wants on an image, in the order they were given; a
 * later one wins. Immutable. Source of the keys' form: BuildKit v0.22 {@code
 * exporter/containerimage/exptypes/annotations.go}.
 */
public record Annotations(List<Annotation> all) {
  private static final Pattern KEY =
      Pattern.compile("annotation(?:-([a-z-]+))?(?:\\[([A-Za-z0-9_/-]+)\\])?\\.(\\S+)");
  public static final Annotations NONE = new Annotations(List.of());

  public Annotations {
    all = List.copyOf(all);
  }

  /** Where an annotation is put. */
  public enum Place {
    MANIFEST,
    MANIFEST_DESCRIPTOR,
    INDEX,
    INDEX_DESCRIPTOR
  }

  /** One annotation; without a platform it goes to the manifests of all. */
  public record Annotation(Place place, Optional<Platform> platform, String key, String value) {}

  /**
   * The annotation that {@code key=value} stands for; empty where the key is something else.
   *
   * @throws BuildException {@code UNKNOWN} where the key starts like one but names no known place
   */
  public static Optional<Annotation> parse(String key, String value) {
    Matcher m = KEY.matcher(key);
    if (!m.matches()) {
      return Optional.empty();
    }
    Place place =
        switch (m.group(1)) {
          case null -> Place.MANIFEST;
          case "manifest" -> Place.MANIFEST;
          case "manifest-descriptor" -> Place.MANIFEST_DESCRIPTOR;
          case "index" -> Place.INDEX;
          case "index-descriptor" -> Place.INDEX_DESCRIPTOR;
          case String other ->
              throw new BuildException(Kind.UNKNOWN, "unrecognized annotation type " + other);
        };
    return Optional.of(
        new Annotation(
            place, Optional.ofNullable(m.group(2)).map(Platform::parse), m.group(3), value));
  }

  /** The annotations among the metadata of a result. */
  public static Annotations among(Map<String, byte[]> metadata) {
    var found = new ArrayList<Annotation>();
    new TreeMap<>(metadata)
        .forEach((k, v) -> parse(k, new String(v, StandardCharsets.UTF_8)).ifPresent(found::add));
    return new Annotations(found);
  }

  public Annotations and(Annotations later) {
    var both = new ArrayList<>(all);
    both.addAll(later.all);
    return new Annotations(both);
  }

  /** Whether one of them needs OCI media types to be written at all. */
  public boolean needOci() {
    return all.stream().anyMatch(a -> a.place() != Place.MANIFEST);
  }

  public SortedMap<String, String> of(Place place) {
    return select(place, Optional.empty());
  }

  /**
   * Those for a manifest of {@code platform}: the ones for every platform, then its own. An empty
   * platform takes only the first kind.
   */
  public SortedMap<String, String> of(Place place, Platform platform) {
    return select(place, Optional.of(platform));
  }

  private SortedMap<String, String> select(Place place, Optional<Platform> platform) {
    boolean everyPlatform = place == Place.INDEX || place == Place.INDEX_DESCRIPTOR;
    var chosen = new TreeMap<String, String>();
    for (Annotation a : all) {
      if (a.place() == place && (everyPlatform || a.platform().isEmpty())) {
        chosen.put(a.key(), a.value());
      }
    }
    for (Annotation a : all) {
      if (a.place() == place && platform.isPresent() && a.platform().equals(platform)) {
        chosen.put(a.key(), a.value());
      }
    }
    return Collections.unmodifiableSortedMap(chosen);
  }
}
