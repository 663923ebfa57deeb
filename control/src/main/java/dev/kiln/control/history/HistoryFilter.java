package dev.kiln.control.history;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import dev.kiln.config.GoDuration;
import dev.kiln.grpc.Times;
import dev.kiln.grpc.control.BuildHistoryRecord;
import dev.kiln.model.BuildException;
import dev.kiln.model.FieldFilter;
import dev.kiln.model.Kind;
import dev.kiln.tracing.Redaction;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongPredicate;
import java.util.function.Predicate;

/**
 * Chooses history records: entries are alternatives, the comma-separated parts of one must all
 * hold. Parts are containerd selectors over {@code ref}, {@code status} and {@code repository}, or
 * comparisons of {@code startedAt}, {@code completedAt} (a time, or a duration before now) and
 * {@code duration}. Pure. Source: BuildKit v0.22 {@code solver/llbsolver/history.go}.
 */
final class HistoryFilter {
  private static final Pattern COMPARISON =
      Pattern.compile("(startedAt|completedAt|duration)(>=|<=|>|<)(.*)");
  private static final Pattern GIT_REMOTE =
      Pattern.compile("((?:https?|git|ssh)://[^#]+|git@[^#]+)(?:#.*)?");

  private HistoryFilter() {}

  static Predicate<BuildHistoryRecord> parse(List<String> entries, Clock clock) {
    if (entries.isEmpty()) {
      return record -> true;
    }
    var alternatives = new ArrayList<Predicate<BuildHistoryRecord>>();
    for (String entry : entries) {
      alternatives.add(entry(entry, clock));
    }
    return record -> alternatives.stream().anyMatch(one -> one.test(record));
  }

  private static Predicate<BuildHistoryRecord> entry(String entry, Clock clock) {
    var all = new ArrayList<Predicate<BuildHistoryRecord>>();
    var selectors = new ArrayList<String>();
    for (String part : entry.split(",", -1)) {
      Matcher m = COMPARISON.matcher(part.strip());
      if (m.matches()) {
        all.add(comparison(m.group(1), m.group(2), m.group(3), clock));
      } else {
        selectors.add(part);
      }
    }
    // Records keep their URLs so; those of earlier versions did not.
    var filter = FieldFilter.parse(Redaction.forOperators(String.join(",", selectors)));
    all.add(record -> filter.matches(path -> field(record, path)));
    return record -> all.stream().allMatch(one -> one.test(record));
  }

  private static Predicate<BuildHistoryRecord> comparison(
      String field, String operator, String value, Clock clock) {
    boolean duration = field.equals("duration");
    long bound =
        duration
            ? GoDuration.find(value).orElseThrow(() -> invalid("duration", value)).toNanos()
            : time(value, clock).getEpochSecond();
    LongPredicate holds =
        switch (operator) {
          case ">=" -> v -> v >= bound;
          case "<=" -> v -> v <= bound;
          case ">" -> v -> v > bound;
          default -> v -> v < bound;
        };
    return record -> {
      Instant created = Times.instant(record.getCreatedAt());
      Instant completed =
          record.hasCompletedAt() ? Times.instant(record.getCompletedAt()) : Instant.EPOCH;
      long v =
          duration
              ? record.hasCompletedAt() ? Duration.between(created, completed).toNanos() : 0
              : (field.equals("startedAt") ? created : completed).getEpochSecond();
      return holds.test(v);
    };
  }

  private static Instant time(String value, Clock clock) {
    Optional<Duration> ago = GoDuration.find(value);
    if (ago.isPresent()) {
      return clock.instant().minus(ago.get());
    }
    try {
      return OffsetDateTime.parse(value).toInstant();
    } catch (DateTimeParseException e) {
      throw invalid("time", value);
    }
  }

  private static BuildException invalid(String what, String value) {
    return new BuildException(Kind.INVALID, "invalid " + what + " " + value);
  }

  private static Optional<String> field(BuildHistoryRecord record, List<String> path) {
    return switch (path.getFirst()) {
      case "ref" -> Optional.of(record.getRef()).filter(ref -> !ref.isEmpty());
      case "status" ->
          Optional.of(
              !record.hasCompletedAt()
                  ? "running"
                  : !record.hasError()
                      ? "completed"
                      : record.getError().getMessage().contains("context canceled")
                          ? "canceled"
                          : "error");
      case "repository" ->
          Optional.ofNullable(record.getFrontendAttrsMap().get("vcs:source"))
              .or(() ->
                  Optional.ofNullable(record.getFrontendAttrsMap().get("context"))
                      .map(GIT_REMOTE::matcher)
                      .filter(Matcher::matches)
                      .map(m -> m.group(1)))
              .map(Redaction::forOperators);
      default -> Optional.empty();
    };
  }
}
