package dev.kiln.store;

import java.util.Optional;

/**
 * What a record is kept for, as prune filters name it (BuildKit v0.22 {@code client/diskusage.go}).
 */
public enum RecordType {
  REGULAR("regular"),
  SOURCE_LOCAL("source.local"),
  GIT_CHECKOUT("source.git.checkout"),
  CACHE_MOUNT("exec.cachemount"),
  FRONTEND("frontend"),
  INTERNAL("internal");

  private final String wireName;

  RecordType(String wireName) {
    this.wireName = wireName;
  }

  /** The name in filters and usage records. */
  public String wireName() {
    return wireName;
  }

  /** The type of that name. */
  public static Optional<RecordType> named(String wireName) {
    for (RecordType type : values()) {
      if (type.wireName.equals(wireName)) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }
}
