package dev.kiln.sources;

import dev.kiln.store.RefId;
import java.io.IOException;
import java.util.Optional;

/**
 * One source vertex: how it is keyed and how its content comes here. Made by {@link Sources#open}
 * once for a vertex and kept while builds use it: what {@link #key} resolved, {@link #snapshot}
 * brings. Any thread; methods block and end with {@code CANCELED} when interrupted.
 */
public interface Source {
  /** The key number {@code index}, from 0; the next one only where the last was not complete. */
  SourceKey key(int index, SourceContext context) throws IOException, InterruptedException;

  /** The content, held by the context's lease; empty for an image without layers. */
  Optional<RefId> snapshot(SourceContext context) throws IOException, InterruptedException;

  /** What provenance says of it; pinned once a key was asked for. */
  Material material();
}
