package dev.kiln.actors;

/**
 * Names the result of one edge: a file system in the store's ref table, resolved there under a
 * lease. The empty file system has no id: where a result may be empty, an {@code Optional} says so.
 * Immutable.
 */
public record ResultId(String value) {
  public ResultId {
    if (value.isEmpty()) {
      throw new IllegalArgumentException("a result id is never empty");
    }
  }

  @Override
  public String toString() {
    return value;
  }
}
