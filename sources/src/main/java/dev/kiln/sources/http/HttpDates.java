package dev.kiln.sources.http;

import com.google.re2j.Pattern;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The three date forms that RFC 9110, 5.6.7 has servers send; all are in UTC. Pure. */
final class HttpDates {
  private static final List<DateTimeFormatter> FORMS =
      List.of(
          DateTimeFormatter.ofPattern("EEE, d MMM yyyy HH:mm:ss", Locale.ENGLISH),
          new DateTimeFormatterBuilder()
              .appendPattern("EEEE, dd-MMM-")
              .appendValueReduced(ChronoField.YEAR, 2, 2, 1969)
              .appendPattern(" HH:mm:ss")
              .toFormatter(Locale.ENGLISH),
          DateTimeFormatter.ofPattern("EEE MMM d HH:mm:ss yyyy", Locale.ENGLISH));

  private static final Pattern UTC = Pattern.compile(" (GMT|UTC)$");
  private static final Pattern BLANKS = Pattern.compile(" +");

  private HttpDates() {}

  static Optional<Instant> parse(String header) {
    String bare = BLANKS.matcher(UTC.matcher(header.strip()).replaceFirst("")).replaceAll(" ");
    for (DateTimeFormatter form : FORMS) {
      try {
        return Optional.of(LocalDateTime.parse(bare, form).toInstant(ZoneOffset.UTC));
      } catch (DateTimeException e) {
        // another form
      }
    }
    return Optional.empty();
  }
}
