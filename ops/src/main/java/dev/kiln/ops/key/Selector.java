package dev.kiln.ops.key;

import java.util.List;

/**
 * A part of an input whose content counts for a key. Immutable.
 *
 * @param path as the op names it; may hold wildcards where {@code wildcard}
 * @param followLinks whether a final symlink counts as what it points to
 */
public record Selector(
    String path,
    boolean wildcard,
    boolean followLinks,
    List<String> includePatterns,
    List<String> excludePatterns) {
  public Selector {
    includePatterns = List.copyOf(includePatterns);
    excludePatterns = List.copyOf(excludePatterns);
  }

  /** A path as it stands. */
  public static Selector of(String path, boolean followLinks) {
    return new Selector(path, false, followLinks, List.of(), List.of());
  }

  /** Whether it stands for one path and all below it. */
  boolean isPlain() {
    return !wildcard && includePatterns.isEmpty() && excludePatterns.isEmpty();
  }
}
