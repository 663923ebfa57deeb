package dev.kiln.cli.view;

import dev.kiln.grpc.control.StatusResponse;
import java.io.PrintStream;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Progress as lines that are written once, for logs: each begins with its step's number. */
public final class PlainView implements ProgressView {
  private final PrintStream out;
  private final BuildState state = new BuildState();
  private final Map<BuildState.Step, Integer> linesShown = new HashMap<>();
  private final Set<BuildState.Step> named = new HashSet<>();
  private final Set<BuildState.Step> ended = new HashSet<>();
  private final Set<BuildState.Step> ending = new LinkedHashSet<>();
  private final Set<BuildState.Part> partsShown = new HashSet<>();
  private int lastNumber;
  private boolean closed;

  /**
   * @param out stays open
   */
  public PlainView(PrintStream out) {
    this.out = out;
  }

  @Override
  public synchronized void show(StatusResponse message) {
    if (closed) {
      return;
    }
    BuildState.Change change = state.apply(message);
    printEnds();
    show(change);
    for (BuildState.Warning warning : change.warnings()) {
      out.println(
          "WARN: "
              + warning.summary()
              + (warning.url().isEmpty() ? "" : " (" + warning.url() + ")"));
    }
    out.flush();
  }

  private void show(BuildState.Change change) {
    for (BuildState.Step step : change.steps()) {
      if (step.number > 0) {
        show(step);
      }
    }
  }

  private void show(BuildState.Step step) {
    if (named.add(step)) {
      print(step, step.name);
    }
    int unseen = Math.max(0, linesShown.getOrDefault(step, 0) - step.forgotten);
    for (BuildState.LogLine line : step.log.subList(unseen, step.log.size())) {
      print(step, String.format(Locale.ROOT, "%.3f %s", line.atSeconds(), line.text()));
    }
    linesShown.put(step, step.forgotten + step.log.size());
    for (BuildState.Part part : step.parts.values()) {
      if (part.completed.isPresent() && partsShown.add(part)) {
        String size = part.current > 0 ? " " + Sizes.of(part.current) : "";
        print(step, part.id + size + " done");
      }
    }
    if (step.completed.isPresent() && !ended.contains(step)) {
      ending.add(step);
    }
  }

  // A step may end and start again at once (key, load, run): only an end that lasts is printed.
  private void printEnds() {
    for (BuildState.Step step : ending) {
      if (step.completed.isEmpty() || !ended.add(step)) {
        continue;
      }
      if (!step.error.isEmpty()) {
        print(step, step.error.endsWith("context canceled") ? "CANCELED" : "ERROR: " + step.error);
      } else if (step.cached) {
        print(step, "CACHED");
      } else {
        print(step, String.format(Locale.ROOT, "DONE %.1fs", step.seconds(step.completed.get())));
      }
    }
    ending.clear();
  }

  private void print(BuildState.Step step, String text) {
    if (lastNumber != 0 && lastNumber != step.number) {
      out.println();
    }
    lastNumber = step.number;
    out.println("#" + step.number + " " + text);
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
    show(state.finish());
    printEnds();
    out.flush();
  }
}
