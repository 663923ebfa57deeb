package dev.kiln.ops.file;

import dev.kiln.model.BuildException;
import dev.kiln.model.FilePaths;
import dev.kiln.sys.RefusedFileException;
import dev.kiln.sys.SyscallException;
import java.util.List;

/** A failed system call in the words of Go's {@code PathError}, which clients know. */
final class FileFailure {
  private FileFailure() {}

  /**
   * @param hostPrefixes where the trees of the op are mounted: cut off, so that a path reads as it
   *     does inside the tree
   */
  static BuildException of(SyscallException e, List<String> hostPrefixes) {
    String text = operation(e.call()) + " " + inside(e.path(), hostPrefixes) + ": " + e.reason();
    return new BuildException(BuildException.of(e).kind(), text, e);
  }

  /** A file that was not opened, likewise. */
  static BuildException of(RefusedFileException e, List<String> hostPrefixes) {
    String text = inside(e.path(), hostPrefixes) + e.why();
    return new BuildException(BuildException.of(e).kind(), text, e);
  }

  /** A path of the host as it reads inside the tree that is mounted at one of the prefixes. */
  static String inside(String hostPath, List<String> hostPrefixes) {
    String path = hostPath;
    for (String prefix : hostPrefixes) {
      if (path.startsWith(prefix)) {
        path = path.substring(prefix.length());
        break;
      }
    }
    return FilePaths.clean("/" + path);
  }

  private static String operation(String call) {
    return switch (call) {
      case "statx" -> "lstat";
      case "openat", "openat2" -> "open";
      case "mkdirat" -> "mkdir";
      case "symlinkat" -> "symlink";
      case "linkat" -> "link";
      case "fchownat", "fchown" -> "lchown";
      case "fchmodat", "fchmod" -> "chmod";
      case "mknodat" -> "mknod";
      case "readlinkat" -> "readlink";
      case "utimensat" -> "chtimes";
      default -> call;
    };
  }
}
