package dev.kiln.actors;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The ops that calls may be made of, by the number of their vertex: messages name an op, and who
 * makes the call finds it here. A vertex adds its own and removes it. Any thread.
 */
final class ActiveOps {
  /** Makes calls on the thread that it is called on. */
  interface Op {
    /** Makes the call, which waited {@code queued} for a slot; never throws. */
    OpEnd make(OpCall call, Duration queued);
  }

  private final Map<Long, Op> ops = new ConcurrentHashMap<>();

  void add(long vertex, Op op) {
    ops.put(vertex, op);
  }

  void remove(long vertex) {
    ops.remove(vertex);
  }

  Optional<Op> find(long vertex) {
    return Optional.ofNullable(ops.get(vertex));
  }
}
