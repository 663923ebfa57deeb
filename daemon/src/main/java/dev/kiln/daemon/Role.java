package dev.kiln.daemon;

import dev.kiln.control.Builds;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * What a daemon in this process is there for. Immutable.
 *
 * @param environment the variables that say where spans go
 * @param around what is done around each build
 * @param kept whether its state shall outlive it: if not, nothing is synced to the disk
 */
record Role(Map<String, String> environment, UnaryOperator<Builds> around, boolean kept) {
  /** Builds that are thrown away. */
  static final Role REHEARSAL = new Role(Map.of(), UnaryOperator.identity(), false);

  Role {
    environment = Map.copyOf(environment);
  }
}
