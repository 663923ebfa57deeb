package dev.kiln.store;

/**
 * Names one {@link Ref} of this store for ever: ids are not used again. Immutable.
 *
 * @param value letters and digits, opaque to others
 */
public record RefId(String value) implements Comparable<RefId> {
  public RefId {
    if (value.isEmpty()) {
      throw new IllegalArgumentException("an empty ref id; an absent state is Optional.empty()");
    }
  }

  @Override
  public int compareTo(RefId other) {
    return value.compareTo(other.value);
  }

  @Override
  public String toString() {
    return value;
  }
}
