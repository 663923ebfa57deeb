package dev.kiln.control.history;

import com.google.protobuf.Timestamp;
import java.time.Instant;

/** Instants on the wire. */
final class Times {
  private Times() {}

  static Instant instant(Timestamp from) {
    return Instant.ofEpochSecond(from.getSeconds(), from.getNanos());
  }

  static Timestamp timestamp(Instant from) {
    return Timestamp.newBuilder()
        .setSeconds(from.getEpochSecond())
        .setNanos(from.getNano())
        .build();
  }
}
