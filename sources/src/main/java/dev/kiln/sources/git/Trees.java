package dev.kiln.sources.git;

import dev.kiln.sys.BytePath;
import dev.kiln.sys.Directories;
import dev.kiln.sys.Fd;
import java.io.IOException;
import java.nio.file.Path;

/** Folders of checkouts. */
final class Trees {
  private Trees() {}

  /** Removes a folder with all in it, of any depth; links are not followed. */
  static void delete(Path root) throws IOException {
    Directories.removeTree(Fd.CWD, BytePath.of(root));
  }
}
