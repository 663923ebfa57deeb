package dev.kiln.sources.git;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.stream.Stream;

/** A folder of a checkout that becomes its root. Stateless. */
final class Subdirectory {
  private Subdirectory() {}

  /**
   * Moves what is in a folder of {@code tree}, which is removed with all else.
   *
   * @param subdir clean, below {@code tree}
   * @throws BuildException {@code NOT_FOUND} if there is none, {@code INVALID} if a link or file is
   *     on the way: links may lead to this machine's files (BuildKit v0.34 {@code
   *     source/git/source.go}, validateDirsOnly)
   */
  static void move(Path tree, String subdir, Path to) throws IOException {
    Path from = tree;
    for (String part : subdir.split("/", -1)) {
      from = from.resolve(part);
      if (!Files.exists(from, LinkOption.NOFOLLOW_LINKS)) {
        throw new BuildException(
            Kind.NOT_FOUND, "failed to open subdir " + subdir + ": no such file or directory");
      }
      if (!Files.isDirectory(from, LinkOption.NOFOLLOW_LINKS)) {
        throw new BuildException(
            Kind.INVALID,
            "invalid subdir "
                + subdir
                + ": git subpath \""
                + subdir
                + "\" contains non-directory \""
                + tree.relativize(from)
                + "\"");
      }
    }
    try (Stream<Path> entries = Files.list(from)) {
      for (Path entry : entries.toList()) {
        Files.move(entry, to.resolve(entry.getFileName().toString()));
      }
    }
    Trees.delete(tree);
  }
}
