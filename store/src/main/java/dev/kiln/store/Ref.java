package dev.kiln.store;

import dev.kiln.model.Digest;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A file system state that no longer changes, as it is recorded: made on top of a parent, pulled as
 * an image layer (perhaps not yet here: lazy), merged from several, or the difference of two. A
 * value only; the state lives until {@link Refs} collects it, and a {@link Lease} keeps it from
 * that.
 *
 * @param parents what it was made of: one parent, the inputs of a merge, or lower and upper
 * @param chainId of a pulled layer and the layers below it (OCI image-spec, config.md)
 */
public record Ref(
    RefId id,
    List<RefId> parents,
    RecordType type,
    String description,
    Instant createdAt,
    Optional<Digest> chainId) {
  public Ref {
    parents = List.copyOf(parents);
  }
}
