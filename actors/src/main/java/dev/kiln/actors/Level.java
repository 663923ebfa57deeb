package dev.kiln.actors;

/** How much is known of an edge; it only rises (features V-05). */
enum Level {
  /** Nothing. */
  INITIAL,
  /** Every key that follows from definitions alone. */
  CACHE_FAST,
  /** Every key, also those by the content of inputs, as far as a consumer can use them. */
  CACHE_SLOW,
  /** The result. */
  COMPLETE;

  boolean below(Level other) {
    return compareTo(other) < 0;
  }

  static Level max(Level a, Level b) {
    return a.below(b) ? b : a;
  }

  static Level min(Level a, Level b) {
    return a.below(b) ? a : b;
  }
}
