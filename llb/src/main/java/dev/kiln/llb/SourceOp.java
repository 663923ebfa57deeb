package dev.kiln.llb;

import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** Brings something from outside: {@code identifier} is {@code scheme://rest}. Immutable. */
public record SourceOp(String identifier, SortedMap<String, String> attrs) implements Op {
  public SourceOp {
    attrs = Collections.unmodifiableSortedMap(new TreeMap<>(attrs));
  }

  public SourceOp(String identifier, Map<String, String> attrs) {
    this(identifier, new TreeMap<>(attrs));
  }

  /** What stands before {@code ://}; empty where there is none. */
  public String scheme() {
    int end = identifier.indexOf("://");
    return end < 0 ? "" : identifier.substring(0, end);
  }

  /** What stands after {@code ://}; the whole identifier where there is no scheme. */
  public String rest() {
    int end = identifier.indexOf("://");
    return end < 0 ? identifier : identifier.substring(end + 3);
  }

  public Optional<String> attr(String key) {
    return Optional.ofNullable(attrs.get(key));
  }
}
