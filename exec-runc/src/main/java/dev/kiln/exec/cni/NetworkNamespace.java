package dev.kiln.exec.cni;

import java.nio.file.Path;

/**
 * A furnished network namespace, held by the file {@code path}.
 *
 * @param args what plugins were told besides; empty for one that any step may have
 */
public record NetworkNamespace(String id, Path path, String args) {}
