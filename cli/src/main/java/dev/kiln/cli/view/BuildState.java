package dev.kiln.cli.view;

import com.google.protobuf.Timestamp;
import dev.kiln.grpc.control.StatusResponse;
import dev.kiln.grpc.control.Vertex;
import dev.kiln.grpc.control.VertexLog;
import dev.kiln.grpc.control.VertexStatus;
import dev.kiln.grpc.control.VertexWarning;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What is known of a build's steps, gathered from the daemon's messages, whatever these hold. One
 * thread. Steps are numbered as they start. Kept are the first {@link #MAX_STEPS} steps and
 * warnings, {@link #MAX_PARTS} parts of each, and its last {@link #LINES_KEPT} lines.
 */
public final class BuildState {
  static final int MAX_STEPS = 50_000;
  static final int MAX_PARTS = 1_000;
  static final int LINES_KEPT = 200;
  private static final int MAX_NAME = 4_096;
  private static final int STDERR = 2;
  private static final long LAST_SECOND = 253_402_300_799L; // of the year 9999

  private final Map<String, Step> steps = new LinkedHashMap<>();
  private final List<Warning> warnings = new ArrayList<>();
  private int started;

  /** A part of a step, such as one layer. */
  public static final class Part {
    final String id;
    long current;
    long total;
    Optional<Instant> started = Optional.empty();
    Optional<Instant> completed = Optional.empty();

    Part(String id) {
      this.id = id;
    }
  }

  /** One step. */
  public static final class Step {
    final String digest;
    String name = "";
    int number; // 0 until it starts
    Optional<Instant> started = Optional.empty();
    Optional<Instant> completed = Optional.empty();
    boolean cached;
    String error = "";
    final Map<String, Part> parts = new LinkedHashMap<>();
    final List<LogLine> log = new ArrayList<>();
    int forgotten; // lines that came before those in the log
    private final LineCutter stdout = new LineCutter();
    private final LineCutter stderr = new LineCutter();
    private double lastLogSeconds;
    private Optional<Instant> firstStarted = Optional.empty();

    Step(String digest) {
      this.digest = digest;
    }

    boolean isRunning() {
      return started.isPresent() && completed.isEmpty();
    }

    /** Seconds from its first start to its end or to {@code now}. */
    double seconds(Instant now) {
      return firstStarted.map(from -> seconds(from, completed.orElse(now))).orElse(0.0);
    }

    static double seconds(Instant from, Instant to) {
      return java.time.Duration.between(from, to).toMillis() / 1000.0;
    }

    private void add(String line) {
      log.add(new LogLine(lastLogSeconds, TerminalText.colored(line)));
    }

    private void endLog() {
      stdout.end(this::add);
      stderr.end(this::add);
    }

    /** The last lines that it wrote, also what has no newline yet; without colors. */
    List<String> tail(int lines) {
      var tail = new ArrayList<String>();
      log.subList(Math.max(0, log.size() - lines), log.size())
          .forEach(line -> tail.add(TerminalText.line(line.text())));
      for (LineCutter unfinished : List.of(stdout, stderr)) {
        if (!unfinished.text().isEmpty()) {
          tail.add(TerminalText.line(unfinished.text()));
        }
      }
      return tail.subList(Math.max(0, tail.size() - lines), tail.size());
    }
  }

  /**
   * A line that a step wrote.
   *
   * @param text safe for a terminal, with its colors
   */
  public record LogLine(double atSeconds, String text) {}

  /** Advice of the daemon's. */
  public record Warning(String summary, String url) {}

  /** What a message changed, for a view that prints changes alone. */
  public record Change(Set<Step> steps, List<Warning> warnings) {}

  Collection<Step> steps() {
    return steps.values();
  }

  List<Warning> warnings() {
    return warnings;
  }

  /** The steps that ended with an error of their own, in order of start. */
  public List<Step> failed() {
    return steps.values().stream()
        .filter(s -> !s.error.isEmpty() && !s.error.endsWith("context canceled"))
        .toList();
  }

  /** The last lines that a step wrote. */
  public List<String> tail(Step step, int lines) {
    return step.tail(lines);
  }

  public String name(Step step) {
    return step.name;
  }

  /** Takes a message in. What a step wrote last is a line once it has ended. */
  public Change apply(StatusResponse message) {
    steps.values().forEach(BuildState::forgetOldLines);
    var changed = new LinkedHashSet<Step>();
    message
        .getVertexesList()
        .forEach(v ->
            step(v.getDigest())
                .ifPresent(s -> {
                  apply(v, s);
                  changed.add(s);
                }));
    message
        .getStatusesList()
        .forEach(v ->
            step(v.getVertex())
                .ifPresent(s -> {
                  apply(v, s);
                  changed.add(s);
                }));
    message
        .getLogsList()
        .forEach(l ->
            step(l.getVertex())
                .ifPresent(s -> {
                  apply(l, s);
                  changed.add(s);
                }));
    for (Step step : changed) {
      if (step.completed.isPresent()) {
        step.endLog();
      }
    }
    return new Change(changed, news(message));
  }

  private List<Warning> news(StatusResponse message) {
    var news = new ArrayList<Warning>();
    for (VertexWarning w : message.getWarningsList()) {
      if (warnings.size() + news.size() < MAX_STEPS) {
        news.add(new Warning(shown(w.getShort().toStringUtf8()), shown(w.getUrl())));
      }
    }
    warnings.addAll(news);
    return news;
  }

  /** No more comes: what steps wrote last are lines. A step that wrote and never began begins. */
  Change finish() {
    var changed = new LinkedHashSet<Step>();
    for (Step step : steps.values()) {
      forgetOldLines(step);
      int before = step.log.size();
      step.endLog();
      if (step.log.size() > before || step.number == 0 && before > 0) {
        step.number = step.number == 0 ? ++started : step.number;
        changed.add(step);
      }
    }
    return new Change(changed, List.of());
  }

  // Views have seen them by the next message.
  private static void forgetOldLines(Step step) {
    int old = step.log.size() - LINES_KEPT;
    if (old > 0) {
      step.log.subList(0, old).clear();
      step.forgotten += old;
    }
  }

  private Optional<Step> step(String digest) {
    return steps.size() < MAX_STEPS
        ? Optional.of(steps.computeIfAbsent(digest, Step::new))
        : Optional.ofNullable(steps.get(digest));
  }

  private static String shown(String text) {
    return TerminalText.line(text.length() <= MAX_NAME ? text : text.substring(0, MAX_NAME) + "…");
  }

  private void apply(Vertex v, Step step) {
    step.name = shown(v.getName());
    step.cached |= v.getCached();
    step.error = shown(v.getError());
    step.started = v.hasStarted() ? Optional.of(instant(v.getStarted())) : Optional.empty();
    step.completed = v.hasCompleted() ? Optional.of(instant(v.getCompleted())) : Optional.empty();
    if (step.started.isPresent()) {
      if (step.firstStarted.isEmpty()) {
        step.firstStarted = step.started;
      }
      if (step.number == 0) {
        step.number = ++started;
      }
    }
  }

  private static void apply(VertexStatus s, Step step) {
    String id = shown(s.getID());
    if (step.parts.size() >= MAX_PARTS && !step.parts.containsKey(id)) {
      return;
    }
    Part part = step.parts.computeIfAbsent(id, Part::new);
    part.current = s.getCurrent();
    part.total = s.getTotal();
    part.started = s.hasStarted() ? Optional.of(instant(s.getStarted())) : Optional.empty();
    part.completed = s.hasCompleted() ? Optional.of(instant(s.getCompleted())) : Optional.empty();
  }

  private static void apply(VertexLog l, Step step) {
    step.lastLogSeconds =
        step.firstStarted.map(from -> Step.seconds(from, instant(l.getTimestamp()))).orElse(0.0);
    LineCutter stream = l.getStream() == STDERR ? step.stderr : step.stdout;
    stream.take(l.getMsg(), step::add);
  }

  // Any number may come: what no calendar has is its first or last second.
  private static Instant instant(Timestamp t) {
    long second = Math.clamp(t.getSeconds(), 0, LAST_SECOND);
    return Instant.ofEpochSecond(second, Math.clamp(t.getNanos(), 0, 999_999_999));
  }
}
