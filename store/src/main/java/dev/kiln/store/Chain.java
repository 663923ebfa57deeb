package dev.kiln.store;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * Lists the layers of a state. Merges and differences of each other can be as deep as a client
 * likes, and a few that double stand for more layers than there is memory: so this walks without
 * recursion, and gives up before it has listed too many. Used once, under the lock of {@link
 * RefTable}.
 */
final class Chain {
  /** Layers that a merge or difference may have together; a mount shows each of them once. */
  static final int MOST_LAYERS = 10_000;

  /** Records looked at for one list. */
  private static final int MOST_STEPS = 1_000_000;

  private final List<RefRecord> layers = new ArrayList<>();
  private final Deque<Runnable> work = new ArrayDeque<>(); // the next step first
  private int steps;

  private Chain() {}

  /**
   * @throws BuildException {@code INVALID} where it takes more than {@code MOST_STEPS}
   */
  static List<RefRecord> of(RefRecord top) {
    var chain = new Chain();
    chain.list(top);
    while (!chain.work.isEmpty()) {
      chain.work.pop().run();
    }
    return chain.layers;
  }

  /**
   * @throws BuildException {@code INVALID} for a state of more than {@link #MOST_LAYERS}
   */
  static void requireListable(RefRecord made) {
    if (of(made).size() > MOST_LAYERS) {
      throw tooMany(MOST_LAYERS + " layers");
    }
  }

  private void list(RefRecord record) {
    step();
    switch (record.kind) {
      case LAYER -> listRow(record);
      case MERGE -> record.parents.reversed().forEach(parent -> work.push(() -> list(parent)));
      case UPPER_LAYERS -> {
        int start = layers.size();
        work.push(() -> withoutLower(record, start));
        work.push(() -> list(record.parents.getLast()));
      }
      case DIFF -> layers.add(record);
    }
  }

  /** The usual long row of layers on each other, in a loop of its own. */
  private void listRow(RefRecord top) {
    var row = new ArrayList<RefRecord>();
    Optional<RefRecord> below = Optional.of(top);
    while (below.isPresent() && below.get().kind == RefRecord.Kind.LAYER) {
      RefRecord at = below.get();
      if (at.layer != 0 || at.pulled.isPresent()) {
        row.add(at);
      }
      step();
      below = at.parents.stream().findFirst();
    }
    if (below.isEmpty()) {
      layers.addAll(row.reversed());
      return;
    }
    RefRecord other = below.get();
    work.push(() -> layers.addAll(row.reversed()));
    work.push(() -> list(other));
  }

  private void step() {
    if (++steps > MOST_STEPS) {
      throw tooMany(MOST_STEPS + " layers and merges");
    }
  }

  /** From {@code start} on the layers of the upper parent are listed: those of the lower go. */
  private void withoutLower(RefRecord record, int start) {
    if (record.parents.size() == 1) {
      return;
    }
    int upperEnd = layers.size();
    work.push(() -> {
      int lower = layers.size() - upperEnd;
      layers.subList(upperEnd, layers.size()).clear();
      layers.subList(start, start + lower).clear();
    });
    work.push(() -> list(record.parents.getFirst()));
  }

  private static BuildException tooMany(String what) {
    return new BuildException(
        Kind.INVALID,
        "a state of more than " + what + ": merge fewer inputs, or copy their files instead");
  }
}
