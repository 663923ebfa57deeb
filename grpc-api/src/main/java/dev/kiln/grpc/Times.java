package dev.kiln.grpc;

import com.google.protobuf.Timestamp;
import java.time.Instant;

/** Instants as protobuf writes them. Stateless. */
public final class Times {
  private Times() {}

  public static Instant instant(Timestamp from) {
    return Instant.ofEpochSecond(from.getSeconds(), from.getNanos());
  }

  public static Timestamp timestamp(Instant from) {
    return Timestamp.newBuilder()
        .setSeconds(from.getEpochSecond())
        .setNanos(from.getNano())
        .build();
  }
}
