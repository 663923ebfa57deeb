/**
 * Results as files: into a directory of the client, or as one tar stream. Start with {@link
 * dev.kiln.exporters.files.FilesExporter}.
 */
@NullMarked
package dev.kiln.exporters.files;

import org.jspecify.annotations.NullMarked;
