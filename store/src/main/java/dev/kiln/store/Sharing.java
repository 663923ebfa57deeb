package dev.kiln.store;

/** What a claim of a named state does where another claim has it. */
public enum Sharing {
  /** Both write into it at once. */
  SHARED,
  /** The second gets another state of the same name. */
  PRIVATE,
  /** The second waits. */
  LOCKED
}
