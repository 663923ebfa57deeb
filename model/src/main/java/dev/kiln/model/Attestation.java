package dev.kiln.model;

import java.util.List;
import java.util.Map;

/**
 * A statement to attach to a result: either in-toto ({@code predicateType} with subjects) or a
 * bundle of them, whose JSON lies at {@code path} in a ref of the result or in {@code content}.
 * Immutable.
 *
 * @param metadata free values, such as the reason or whether only inline exporters take it
 */
public record Attestation(
    AttestationKind kind,
    Map<String, byte[]> metadata,
    String path,
    byte[] content,
    String predicateType,
    List<Subject> subjects) {
  public Attestation {
    metadata = Map.copyOf(metadata);
    subjects = List.copyOf(subjects);
  }

  /** Whether the JSON is one predicate or several statements. */
  public enum AttestationKind {
    IN_TOTO,
    BUNDLE
  }

  /**
   * What a statement speaks of. {@code kind} is {@code self} for the image itself, or {@code raw}.
   */
  public record Subject(String kind, String name, List<Digest> digests) {
    public Subject {
      digests = List.copyOf(digests);
    }
  }
}
