package dev.kiln.registry;

import java.net.http.HttpHeaders;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.Optional;

/** How long a server asks to wait. Source: RFC 9110, 10.2.3. */
final class RetryAfter {
  /** Longer waits are this long: no number of seconds overflows. */
  private static final Duration FOREVER = Duration.ofDays(366);

  private RetryAfter() {}

  /** Empty where it does not say so, or not understandably; never negative. */
  static Optional<Duration> of(HttpHeaders headers, Clock clock) {
    return headers.firstValue("Retry-After").map(String::strip).flatMap(text -> of(text, clock));
  }

  private static Optional<Duration> of(String text, Clock clock) {
    if (!text.isEmpty() && text.chars().allMatch(c -> c >= '0' && c <= '9')) {
      return Optional.of(text.length() > 7 ? FOREVER : Duration.ofSeconds(Long.parseLong(text)));
    }
    try {
      Instant until = Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(text));
      Duration wait = Duration.between(clock.instant(), until);
      return Optional.of(wait.isNegative() ? Duration.ZERO : wait);
    } catch (DateTimeException | ArithmeticException e) {
      return Optional.empty();
    }
  }
}
