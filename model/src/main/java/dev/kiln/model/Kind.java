package dev.kiln.model;

/**
 * What sort of failure a {@link BuildException} is; each maps to one gRPC code in {@code
 * GrpcErrors}.
 */
public enum Kind {
  /** The request cannot be understood or contradicts itself. */
  INVALID,
  NOT_FOUND,
  ALREADY_EXISTS,
  /** Understood, but not offered by this daemon. */
  UNSUPPORTED,
  /** Refused by policy, entitlement or credentials. */
  DENIED,
  /** No disk, memory or quota left. */
  EXHAUSTED,
  /** Something outside the daemon does not answer. */
  UNAVAILABLE,
  CANCELED,
  DEADLINE,
  /** A fault of the daemon itself. */
  INTERNAL,
  /** The build's own failure, such as a step that exits with 1. */
  UNKNOWN
}
