package dev.kiln.llb;

import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Solves a definition that an input holds. Immutable (the bytes are never written to).
 *
 * @param builder index of the input that builds; -1 is LLB itself
 * @param inputs index of an input by its name
 * @param definition a marshalled definition given in the op itself
 */
public record BuildOp(
    int builder,
    SortedMap<String, Integer> inputs,
    Optional<byte[]> definition,
    SortedMap<String, String> attrs)
    implements Op {
  /** The builder that solves LLB. */
  public static final int LLB_BUILDER = -1;

  public BuildOp {
    inputs = Collections.unmodifiableSortedMap(new TreeMap<>(inputs));
    attrs = Collections.unmodifiableSortedMap(new TreeMap<>(attrs));
  }

  public BuildOp(
      int builder,
      Map<String, Integer> inputs,
      Optional<byte[]> definition,
      Map<String, String> attrs) {
    this(builder, new TreeMap<>(inputs), definition, new TreeMap<>(attrs));
  }
}
