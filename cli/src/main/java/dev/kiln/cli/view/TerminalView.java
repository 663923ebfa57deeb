package dev.kiln.cli.view;

import dev.kiln.grpc.control.StatusResponse;
import java.io.PrintStream;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Progress in place on a terminal: what ran, what runs and what it says now, at most as tall as the
 * terminal. Redrawn when something changes, at most ten times a second; the final state stays. One
 * thread.
 */
public final class TerminalView implements ProgressView {
  private static final Duration PACE = Duration.ofMillis(100);
  private static final int LOG_LINES = 6;
  private static final String UP = "\u001b[%dA";
  private static final String CLEAR_BELOW = "\u001b[0J";
  private static final String BLUE = "\u001b[34m";
  private static final String RED = "\u001b[31m";
  private static final String PLAIN = "\u001b[0m";

  private final PrintStream out;
  private final int width;
  private final int height;
  private final Clock clock;
  private final BuildState state = new BuildState();
  private final Instant begun;
  private Instant drawnAt = Instant.EPOCH;
  private int drawnLines;

  /**
   * @param out stays open
   */
  public TerminalView(PrintStream out, int width, int height, Clock clock) {
    this.out = out;
    this.width = width;
    this.height = height;
    this.clock = clock;
    this.begun = clock.instant();
  }

  @Override
  public void show(StatusResponse message) {
    state.apply(message);
    Instant now = clock.instant();
    if (Duration.between(drawnAt, now).compareTo(PACE) >= 0) {
      draw(now, height - 1);
    }
  }

  @Override
  public BuildState state() {
    return state;
  }

  @Override
  public void close() {
    draw(clock.instant(), Integer.MAX_VALUE);
    for (BuildState.Warning warning : state.warnings()) {
      out.println("WARN: " + warning.summary());
    }
    out.flush();
  }

  private void draw(Instant now, int maxLines) {
    var screen = new StringBuilder();
    if (drawnLines > 0) {
      screen.append(String.format(Locale.ROOT, UP, drawnLines));
    }
    screen.append('\r').append(CLEAR_BELOW);
    List<String> lines = lines(now, maxLines);
    lines.forEach(line -> screen.append(line).append('\n'));
    out.print(screen);
    out.flush();
    drawnLines = lines.size();
    drawnAt = now;
  }

  /** What the terminal shows, without a line longer than it is wide. */
  List<String> lines(Instant now, int maxLines) {
    List<BuildState.Step> begunSteps = state.steps().stream().filter(s -> s.number > 0).toList();
    long done = begunSteps.stream().filter(s -> s.completed.isPresent()).count();
    var lines = new ArrayList<String>();
    lines.add(
        cut(
            String.format(
                Locale.ROOT,
                "[+] Building %.1fs (%d/%d)",
                BuildState.Step.seconds(begun, now),
                done,
                state.steps().size())));
    var body = new ArrayList<String>();
    for (BuildState.Step step : begunSteps) {
      String mark = step.cached && step.completed.isPresent() ? "CACHED " : "";
      String line =
          cut(String.format(Locale.ROOT, " => %s%s  %.1fs", mark, step.name, step.seconds(now)));
      if (!step.error.isEmpty()) {
        body.add(RED + line + PLAIN);
      } else {
        body.add(step.completed.isPresent() ? BLUE + line + PLAIN : line);
      }
      if (step.isRunning()) {
        for (BuildState.Part part : step.parts.values()) {
          if (part.completed.isEmpty()) {
            String total = part.total > 0 ? " / " + Sizes.of(part.total) : "";
            body.add(cut(" => => " + part.id + "  " + Sizes.of(part.current) + total));
          }
        }
        for (String text : state.tail(step, LOG_LINES)) {
          body.add(cut(" => => # " + text.replaceAll("\\p{Cntrl}", "")));
        }
      }
    }
    int room = Math.max(1, maxLines - lines.size());
    lines.addAll(body.subList(Math.max(0, body.size() - room), body.size()));
    return lines;
  }

  private String cut(String line) {
    return line.length() <= width ? line : line.substring(0, width);
  }
}
