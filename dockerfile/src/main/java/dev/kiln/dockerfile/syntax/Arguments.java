package dev.kiln.dockerfile.syntax;

import java.util.List;

/** What follows an instruction's keyword and flags, in the form that the instruction takes. */
public sealed interface Arguments {
  /** Words as written, quotes and variables still in them. */
  record Words(List<String> words) implements Arguments {
    public Words {
      words = List.copyOf(words);
    }
  }

  /** A JSON array of strings. */
  record Exec(List<String> words) implements Arguments {
    public Exec {
      words = List.copyOf(words);
    }
  }

  /** The pairs of {@code ENV} and {@code LABEL}. */
  record Pairs(List<Pair> pairs) implements Arguments {
    public Pairs {
      pairs = List.copyOf(pairs);
    }
  }

  /** {@code HEALTHCHECK}'s type and what follows it. */
  record Typed(String type, Arguments rest) implements Arguments {}

  /** The instruction that {@code ONBUILD} keeps for later. */
  record Trigger(Statement statement) implements Arguments {}

  /** The arguments of a keyword that is not known. */
  record Unread() implements Arguments {}

  /** {@code key=value}, or the old {@code key value} when {@code legacy}. */
  record Pair(String key, String value, boolean legacy) {
    @Override
    public String toString() {
      return key + "=" + value;
    }
  }
}
