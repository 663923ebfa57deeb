package dev.kiln.cli;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;

/**
 * Files that a command line names, looked at before a build begins. What is wrong with one is told
 * with the flag that named it, as {@code INVALID}. Stateless.
 */
public final class GivenFiles {
  private GivenFiles() {}

  /** A folder whose files can be read. */
  static Path directory(String flag, Path path) {
    if (!Files.exists(path)) {
      throw wrong(flag, path, missing(path));
    }
    if (!Files.isDirectory(path)) {
      throw wrong(flag, path, "not a directory");
    }
    if (!Files.isReadable(path) || !Files.isExecutable(path)) {
      throw wrong(flag, path, "permission denied");
    }
    return path;
  }

  /** A file that can be read; no folder. */
  static Path file(String flag, Path path) {
    if (!Files.exists(path)) {
      throw wrong(flag, path, missing(path));
    }
    if (Files.isDirectory(path)) {
      throw wrong(flag, path, "is a directory");
    }
    if (!Files.isReadable(path)) {
      throw wrong(flag, path, "permission denied");
    }
    return path;
  }

  static byte[] read(String flag, Path path) {
    try {
      return Files.readAllBytes(file(flag, path));
    } catch (IOException e) {
      throw wrong(flag, path, reason(e));
    }
  }

  /** A file that can be made: its folder, or the next one above that is there, can be written. */
  static Path writable(String flag, Path path) {
    if (Files.isDirectory(path)) {
      throw wrong(flag, path, "is a directory");
    }
    if (Files.exists(path)) {
      if (!Files.isWritable(path)) {
        throw wrong(flag, path, "permission denied");
      }
      return path;
    }
    folderAbove(flag, path);
    return path;
  }

  /** A folder that can be made or written. */
  static Path writableDirectory(String flag, Path path) {
    if (!Files.exists(path)) {
      folderAbove(flag, path);
    } else if (!Files.isDirectory(path)) {
      throw wrong(flag, path, "not a directory");
    } else if (!Files.isWritable(path)) {
      throw wrong(flag, path, "permission denied");
    }
    return path;
  }

  private static void folderAbove(String flag, Path path) {
    Path above = path.toAbsolutePath().normalize().getParent();
    while (above != null && !Files.exists(above)) {
      above = above.getParent();
    }
    if (above != null && !Files.isDirectory(above)) {
      throw wrong(flag, path, above + " is not a directory");
    }
    if (above != null && !Files.isWritable(above)) {
      throw wrong(flag, path, "permission denied in " + above);
    }
  }

  private static String missing(Path path) {
    Path above = path.toAbsolutePath().getParent();
    return above != null && Files.isDirectory(above) && !Files.isExecutable(above)
        ? "permission denied in " + above
        : "no such file or directory";
  }

  /**
   * @param flag as the user wrote it, up to the path
   */
  static BuildException wrong(String flag, Path path, String reason) {
    String named = flag.endsWith("=") ? flag + path : flag + " " + path;
    return new BuildException(Kind.INVALID, named + ": " + reason);
  }

  /**
   * Why a call on a file failed, without the file's name, which the JDK gives alone or in front.
   */
  public static String reason(IOException failure) {
    return switch (failure) {
      case NoSuchFileException _ -> "no such file or directory";
      case AccessDeniedException _ -> "permission denied";
      case NotDirectoryException _ -> "not a directory";
      case FileAlreadyExistsException _ -> "there is such a file already";
      case DirectoryNotEmptyException _ -> "a directory that is not empty";
      case FileSystemException e when e.getReason() != null -> e.getReason();
      default -> failure.getMessage() == null ? failure.toString() : failure.getMessage();
    };
  }
}
