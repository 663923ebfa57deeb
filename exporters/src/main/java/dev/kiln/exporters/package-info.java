/**
 * A result to an image, an archive or files. Start with {@link dev.kiln.exporters.Exporter}, the
 * port, and {@link dev.kiln.exporters.Exporters}, which makes one by its type's name.
 */
@NullMarked
package dev.kiln.exporters;

import org.jspecify.annotations.NullMarked;
