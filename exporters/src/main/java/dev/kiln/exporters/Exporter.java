package dev.kiln.exporters;

import dev.kiln.store.Compression;
import java.io.IOException;
import java.util.Optional;

/**
 * One export that a client asked for, its options understood. Made by {@link Exporters#resolve}
 * when the build begins, so that wrong options fail early; used once, when the result is there.
 */
public interface Exporter {
  /** The position among the build's exports, by which the client tells them apart. */
  int id();

  /** {@code image}, {@code oci}, {@code docker}, {@code local} or {@code tar}. */
  String type();

  /** What progress shows, such as {@code exporting to image}. */
  String name();

  /** How the exporter packs layers, for a cache export beside it; empty where it packs none. */
  Optional<Compression> compression();

  /**
   * Brings the result where the client wants it. Blocks; an interrupt gives up.
   *
   * @throws dev.kiln.model.BuildException why it could not
   */
  ExportResult export(ExportSource source, ExportContext context)
      throws IOException, InterruptedException;
}
