package dev.kiln.store;

import java.time.Instant;
import java.util.Optional;

/**
 * What a new ref is recorded with. Immutable.
 *
 * @param description for people, such as the name of the step; also the exported image's history
 * @param createdAt empty for now
 */
public record RefOptions(String description, RecordType type, Optional<Instant> createdAt) {
  public static RefOptions of(String description) {
    return new RefOptions(description, RecordType.REGULAR, Optional.empty());
  }

  public RefOptions withType(RecordType other) {
    return new RefOptions(description, other, createdAt);
  }

  public RefOptions withCreatedAt(Instant at) {
    return new RefOptions(description, type, Optional.of(at));
  }
}
