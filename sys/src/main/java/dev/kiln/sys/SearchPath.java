package dev.kiln.sys;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Folders in which programs are looked for, in their order. Immutable. */
public record SearchPath(List<Path> folders) {
  public SearchPath {
    folders = List.copyOf(folders);
  }

  /**
   * As {@code PATH} has it.
   *
   * @param text folders with colons between; empty ones count for nothing
   */
  public static SearchPath parse(String text) {
    return new SearchPath(
        Arrays.stream(text.split(":")).filter(folder -> !folder.isEmpty()).map(Path::of).toList());
  }

  /** The first executable file of this name. */
  public Optional<Path> find(String program) {
    return folders.stream()
        .map(folder -> folder.resolve(program))
        .filter(file -> Files.isRegularFile(file) && Files.isExecutable(file))
        .findFirst();
  }
}
