package dev.kiln.cli.view;

import com.google.protobuf.Timestamp;
import dev.kiln.grpc.control.StatusResponse;
import dev.kiln.grpc.control.Vertex;
import dev.kiln.grpc.control.VertexLog;
import dev.kiln.grpc.control.VertexStatus;
import dev.kiln.grpc.control.VertexWarning;
import java.nio.charset.StandardCharsets;
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
 * What is known of a build's steps, gathered from the daemon's messages. One thread. Steps are
 * numbered as they start.
 */
public final class BuildState {
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
    private String unfinishedLine = "";
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
  }

  /** A line that a step wrote. */
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
    return step.log.subList(Math.max(0, step.log.size() - lines), step.log.size()).stream()
        .map(LogLine::text)
        .toList();
  }

  public String name(Step step) {
    return step.name;
  }

  /** Takes a message in. */
  public Change apply(StatusResponse message) {
    var changed = new LinkedHashSet<Step>();
    for (Vertex v : message.getVertexesList()) {
      changed.add(apply(v));
    }
    for (VertexStatus s : message.getStatusesList()) {
      changed.add(apply(s));
    }
    for (VertexLog l : message.getLogsList()) {
      changed.add(apply(l));
    }
    var news = new ArrayList<Warning>();
    for (VertexWarning w : message.getWarningsList()) {
      news.add(new Warning(w.getShort().toStringUtf8(), w.getUrl()));
    }
    warnings.addAll(news);
    return new Change(changed, news);
  }

  private Step step(String digest) {
    return steps.computeIfAbsent(digest, Step::new);
  }

  private Step apply(Vertex v) {
    Step step = step(v.getDigest());
    step.name = v.getName();
    step.cached |= v.getCached();
    step.error = v.getError();
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
    return step;
  }

  private Step apply(VertexStatus s) {
    Step step = step(s.getVertex());
    Part part = step.parts.computeIfAbsent(s.getID(), Part::new);
    part.current = s.getCurrent();
    part.total = s.getTotal();
    part.started = s.hasStarted() ? Optional.of(instant(s.getStarted())) : Optional.empty();
    part.completed = s.hasCompleted() ? Optional.of(instant(s.getCompleted())) : Optional.empty();
    return step;
  }

  private Step apply(VertexLog l) {
    Step step = step(l.getVertex());
    String text = step.unfinishedLine + l.getMsg().toString(StandardCharsets.UTF_8);
    double at =
        step.firstStarted.map(from -> Step.seconds(from, instant(l.getTimestamp()))).orElse(0.0);
    int start = 0;
    for (int end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      step.log.add(new LogLine(at, lastOverwritten(text.substring(start, end))));
      start = end + 1;
    }
    step.unfinishedLine = text.substring(start);
    return step;
  }

  // Progress bars draw over a line by carriage returns: what a terminal would show in the end.
  private static String lastOverwritten(String line) {
    String text = line.endsWith("\r") ? line.substring(0, line.length() - 1) : line;
    return text.substring(text.lastIndexOf('\r') + 1);
  }

  private static Instant instant(Timestamp t) {
    return Instant.ofEpochSecond(t.getSeconds(), t.getNanos());
  }
}
