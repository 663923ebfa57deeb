package dev.kiln.actors;

import java.util.OptionalInt;
import java.util.function.IntSupplier;

/**
 * How many steps run at once. Many wait for a network or for each other, so there are many slots;
 * but steps that compute only get slower together, and a build of hundreds would take all of them
 * from a build of three. So beyond {@code always} a step begins only while processors are idle. And
 * as steps may wait for hours, each build may have a few of its own, whatever others hold.
 *
 * @param slots most steps at once
 * @param each steps that each build may have beyond what holds for all
 * @param always steps that begin without a look at the processors
 * @param runnable how many threads of the machine run or would like to, now; any thread
 * @param processors that the machine has
 */
public record StepLimits(int slots, int each, int always, IntSupplier runnable, int processors) {
  private static final int SLOTS_A_PROCESSOR = 16;
  private static final int LEAST_SLOTS = 128;
  private static final int EACH = 2;

  /** Threads a processor that keep it busy: one that runs, one that is next. */
  private static final int BUSY = 2;

  /**
   * Where an operator set the bound, it holds and nothing else; else it follows the machine.
   *
   * @param runnable as in {@link #StepLimits}
   */
  public static StepLimits of(OptionalInt maxParallelism, IntSupplier runnable) {
    int processors = Runtime.getRuntime().availableProcessors();
    return maxParallelism.isPresent()
        ? new StepLimits(
            maxParallelism.getAsInt(), 0, maxParallelism.getAsInt(), runnable, processors)
        : new StepLimits(
            Math.max(LEAST_SLOTS, SLOTS_A_PROCESSOR * processors),
            EACH,
            BUSY * processors,
            runnable,
            processors);
  }

  /** How many more steps may begin while {@code running} ones run. */
  int more(int running) {
    int room = Math.max(0, slots - running);
    int more = running < always ? always - running : BUSY * processors - runnable.getAsInt();
    return Math.clamp(more, 0, room);
  }
}
