package dev.kiln.store;

import java.util.List;

/**
 * Which part of a tree counts for a checksum. Immutable.
 *
 * @param path absolute; a trailing slash leaves out the directory's own header
 * @param followLinks whether a symlink at the end is followed
 * @param wildcard whether {@code path} is a pattern
 */
public record ContentQuery(
    String path,
    boolean followLinks,
    boolean wildcard,
    List<String> includes,
    List<String> excludes) {
  public ContentQuery {
    includes = List.copyOf(includes);
    excludes = List.copyOf(excludes);
  }

  /** The whole of what is at {@code path}. */
  public static ContentQuery of(String path) {
    return new ContentQuery(path, true, false, List.of(), List.of());
  }
}
