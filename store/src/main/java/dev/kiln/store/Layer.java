package dev.kiln.store;

import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import java.time.Instant;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * One layer of an image. Immutable.
 *
 * @param blob the packed layer; its bytes need not be in the content store yet
 * @param diffId digest of the unpacked tar
 * @param description of the ref that the layer belongs to (an image's history, {@code created_by})
 * @param sources where the blob can be mounted from, {@code host/repository}
 */
public record Layer(
    Descriptor blob,
    Digest diffId,
    Instant createdAt,
    String description,
    SortedSet<String> sources) {
  public Layer {
    sources = java.util.Collections.unmodifiableSortedSet(new TreeSet<>(sources));
  }

  public Layer describedAs(String text) {
    return new Layer(blob, diffId, createdAt, text, sources);
  }

  public Layer createdAt(Instant time) {
    return new Layer(blob, diffId, time, description, sources);
  }
}
