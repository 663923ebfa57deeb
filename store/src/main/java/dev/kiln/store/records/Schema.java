package dev.kiln.store.records;

import java.util.List;

/**
 * What a database file of this daemon holds, as numbered steps: step 1 makes a new file, each later
 * one brings the file of the version before to its own number (ADR 0017). A step that a release has
 * had is never changed. Immutable.
 *
 * @param applicationId SQLite's number for the kind of file
 * @param table one that each version has: files of before the numbers are known by it
 * @param steps statements of each step; those of step 1 also run on files of before the numbers, so
 *     they make only what is missing
 */
public record Schema(int applicationId, String table, List<List<String>> steps) {
  public Schema {
    steps = steps.stream().map(List::copyOf).toList();
  }

  /** The one that this daemon writes; SQLite's {@code user_version}. */
  int version() {
    return steps.size();
  }
}
