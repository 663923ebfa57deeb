package dev.kiln.exporters;

import dev.kiln.model.Attestation;
import dev.kiln.store.RefId;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The result of a build, as exporters take it. Immutable (the bytes are never written to).
 *
 * @param ref the single state; absent is the empty file system, or a result by platform
 * @param refs states by the ids that {@link ResultPlatforms} lists; empty for a single one
 * @param metadata values of the frontend by key
 * @param attestations statements by platform id
 */
public record ExportSource(
    Optional<RefId> ref,
    SortedMap<String, Optional<RefId>> refs,
    Map<String, byte[]> metadata,
    Map<String, List<Statement>> attestations) {
  public ExportSource {
    refs = Collections.unmodifiableSortedMap(new TreeMap<>(refs));
    metadata = Map.copyOf(metadata);
    attestations = Map.copyOf(attestations);
  }

  /**
   * A statement about one state, which lies in {@code in} or carries its own content: only the
   * daemon's own do the latter.
   */
  public record Statement(Attestation attestation, Optional<RefId> in) {}

  /** Whether there is a state for each of several platforms. */
  public boolean isMap() {
    return !refs.isEmpty();
  }

  /**
   * The state of a platform.
   *
   * @throws dev.kiln.model.BuildException where there is none of that id
   */
  public Optional<RefId> of(String platformId) {
    if (!isMap()) {
      return ref;
    }
    Optional<RefId> found = refs.get(platformId);
    if (found == null) {
      if (refs.size() == 1) {
        return refs.firstEntry().getValue();
      }
      throw new dev.kiln.model.BuildException(
          dev.kiln.model.Kind.UNKNOWN, "failed to find ref for ID " + platformId);
    }
    return found;
  }

  /** The statements about a platform's state; a single state may also be known as {@code ""}. */
  public List<Statement> statements(String platformId) {
    List<Statement> single = isMap() ? List.of() : attestations.getOrDefault("", List.of());
    return attestations.getOrDefault(platformId, single);
  }

  /** The same with more metadata, which wins. */
  public ExportSource with(Map<String, byte[]> more) {
    var all = new HashMap<>(metadata);
    all.putAll(more);
    return new ExportSource(ref, refs, all, attestations);
  }
}
