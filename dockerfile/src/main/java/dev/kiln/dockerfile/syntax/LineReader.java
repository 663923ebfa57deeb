package dev.kiln.dockerfile.syntax;

import java.util.Optional;

/** Hands out a text's lines, their ends included, and counts them. Not for several threads. */
final class LineReader {
  private final String text;
  private int at;
  private int line;

  LineReader(String text) {
    this.text = text;
  }

  Optional<String> next() {
    if (at >= text.length()) {
      return Optional.empty();
    }
    int newline = text.indexOf('\n', at);
    int end = newline < 0 ? text.length() : newline + 1;
    String next = text.substring(at, end);
    at = end;
    line++;
    return Optional.of(next);
  }

  /** The number of the line handed out last, from 1. */
  int line() {
    return line;
  }
}
