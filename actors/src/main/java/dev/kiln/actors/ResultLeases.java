package dev.kiln.actors;

/** Opens leases that keep results from being collected. Any thread. */
@FunctionalInterface
public interface ResultLeases {
  /** A new lease; {@code name} is for people. Does not block. The caller closes it. */
  ResultLease open(String name);
}
