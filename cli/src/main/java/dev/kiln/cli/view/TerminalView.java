package dev.kiln.cli.view;

import dev.kiln.grpc.control.StatusResponse;
import java.io.PrintStream;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * Progress in place on a terminal: what ran, what runs and what it says now, at most as tall as the
 * terminal. Redrawn when something changes, at most ten times a second; the final state stays. The
 * terminal keeps its modes: between two frames the cursor stands below the picture, whatever ends
 * the process then.
 */
public final class TerminalView implements ProgressView {
  private static final Duration PACE = Duration.ofMillis(100);
  private static final Duration STILL = Duration.ofMillis(500);
  private static final int LOG_LINES = 6;
  private static final String UP = "\u001b[%dA";
  private static final String CLEAR_BELOW = "\u001b[0J";
  private static final String BLUE = "\u001b[34m";
  private static final String RED = "\u001b[31m";
  private static final String PLAIN = "\u001b[0m";

  private final PrintStream out;
  private final Supplier<TerminalSize> size;
  private final Clock clock;
  private final BuildState state = new BuildState();
  private final Instant begun;
  private Instant drawnAt = Instant.EPOCH;
  private List<Line> drawn = List.of();
  private boolean pending;
  private boolean closed;

  /** A line of the picture, without control characters. */
  record Line(String text, String color) {
    private String shown() {
      return color.isEmpty() ? text : color + text + PLAIN;
    }

    /** On a terminal that has become narrower, lines take several rows. */
    private int rows(int columns) {
      return Math.max(1, Math.ceilDiv(TerminalText.columns(text), columns));
    }
  }

  /**
   * @param out stays open
   * @param size of the terminal, asked before each frame
   */
  public TerminalView(PrintStream out, Supplier<TerminalSize> size, Clock clock) {
    this.out = out;
    this.size = size;
    this.clock = clock;
    this.begun = clock.instant();
  }

  @Override
  public synchronized void show(StatusResponse message) {
    if (closed) {
      return;
    }
    state.apply(message);
    Instant now = clock.instant();
    pending = true;
    if (Duration.between(drawnAt, now).compareTo(PACE) >= 0) {
      drawWithin(size.get(), now);
    }
  }

  /**
   * Draws what came too soon after the last frame, and clocks that go on while nothing comes, until
   * the view is closed. Blocks.
   */
  public synchronized boolean drawWhileOpen() throws InterruptedException {
    while (!closed) {
      wait(PACE.toMillis());
      Instant now = clock.instant();
      boolean due = pending || Duration.between(drawnAt, now).compareTo(STILL) >= 0;
      if (due && !closed) {
        drawWithin(size.get(), now);
      }
    }
    return true;
  }

  private void drawWithin(TerminalSize terminal, Instant now) {
    draw(now, terminal, terminal.rows() - 1);
  }

  @Override
  public BuildState state() {
    return state;
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    notifyAll();
    state.finish();
    draw(clock.instant(), size.get(), Integer.MAX_VALUE);
    for (BuildState.Warning warning : state.warnings()) {
      out.println("WARN: " + warning.summary());
    }
    out.flush();
  }

  private void draw(Instant now, TerminalSize terminal, int maxLines) {
    var screen = new StringBuilder();
    int rows = drawn.stream().mapToInt(line -> line.rows(terminal.columns())).sum();
    int up = Math.min(rows, terminal.rows() - 1);
    if (up > 0) {
      screen.append(String.format(Locale.ROOT, UP, up));
    }
    screen.append('\r').append(CLEAR_BELOW);
    drawn = lines(now, terminal.columns(), maxLines);
    drawn.forEach(line -> screen.append(line.shown()).append('\n'));
    out.print(screen);
    out.flush();
    drawnAt = now;
    pending = false;
  }

  /** What the terminal shows, without a line longer than it is wide. */
  List<Line> lines(Instant now, int columns, int maxLines) {
    List<BuildState.Step> begunSteps = state.steps().stream().filter(s -> s.number > 0).toList();
    long done = begunSteps.stream().filter(s -> s.completed.isPresent()).count();
    String head =
        String.format(
            Locale.ROOT,
            "[+] Building %.1fs (%d/%d)",
            BuildState.Step.seconds(begun, now),
            done,
            state.steps().size());
    var body = new ArrayList<Line>();
    for (BuildState.Step step : begunSteps) {
      add(step, now, body);
    }
    var lines = new ArrayList<Line>();
    if (maxLines > 0) {
      lines.add(new Line(head, ""));
    }
    int room = Math.max(0, maxLines - lines.size());
    lines.addAll(body.subList(Math.max(0, body.size() - room), body.size()));
    return lines.stream()
        .map(line -> new Line(TerminalText.cut(line.text(), columns), line.color()))
        .toList();
  }

  private static void add(BuildState.Step step, Instant now, List<Line> body) {
    String mark = step.cached && step.completed.isPresent() ? "CACHED " : "";
    String color = step.error.isEmpty() ? step.completed.isPresent() ? BLUE : "" : RED;
    double seconds = step.seconds(now);
    body.add(
        new Line(String.format(Locale.ROOT, " => %s%s  %.1fs", mark, step.name, seconds), color));
    if (!step.isRunning()) {
      return;
    }
    for (BuildState.Part part : step.parts.values()) {
      if (part.completed.isEmpty()) {
        String total = part.total > 0 ? " / " + Sizes.of(part.total) : "";
        body.add(new Line(" => => " + part.id + "  " + Sizes.of(part.current) + total, ""));
      }
    }
    for (String text : step.tail(LOG_LINES)) {
      body.add(new Line(" => => # " + text, ""));
    }
  }
}
