package dev.kiln.llb;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a frontend made: one ref, or several by platform. An absent ref is the empty file system.
 * Immutable (the bytes are never written to).
 *
 * @param ref the single ref
 * @param refs refs by key; then {@code ref} is absent
 * @param metadata values for exporters by key, such as {@code containerimage.config}
 * @param attestations by the key of their ref, {@code ""} for the single one
 */
public record FrontendResult(
    Optional<FrontendRef> ref,
    SortedMap<String, Optional<FrontendRef>> refs,
    SortedMap<String, byte[]> metadata,
    Map<String, List<FrontendAttestation>> attestations) {
  public FrontendResult {
    refs = Collections.unmodifiableSortedMap(new TreeMap<>(refs));
    metadata = Collections.unmodifiableSortedMap(new TreeMap<>(metadata));
    attestations = Map.copyOf(attestations);
  }

  /** The ref of that key; a single one has every key. */
  public Optional<FrontendRef> of(String key) {
    return refs.isEmpty() ? ref : refs.getOrDefault(key, Optional.empty());
  }

  /** One ref, nothing else. */
  public static FrontendResult of(Optional<FrontendRef> ref) {
    return new FrontendResult(ref, new TreeMap<>(), new TreeMap<>(), Map.of());
  }
}
