package dev.kiln.cli;

import com.google.re2j.Pattern;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a build is made of: its context, its Dockerfile and further contexts, as the frontend's
 * attributes and the folders to lend. One thread.
 */
final class Contexts {
  private static final Pattern REMOTE =
      Pattern.compile("(https?|git|ssh)://.*|git@.*|github\\.com/.*");
  private static final String DOCKERFILE = "Dockerfile";

  final Map<String, String> attributes = new LinkedHashMap<>();
  final Map<String, Path> directories = new LinkedHashMap<>();

  /**
   * The context and its Dockerfile.
   *
   * @param context a folder or a URL
   * @param needed whether the frontend reads a Dockerfile by this name
   */
  void main(String context, Optional<Path> file, boolean needed) {
    if (REMOTE.matcher(context).matches()) {
      attributes.put("context", context);
      file.ifPresent(path -> attributes.put("filename", path.toString()));
      return;
    }
    Path directory = GivenFiles.directory("the context", Path.of(context));
    directories.put("context", directory);
    Path dockerfile = file.orElse(directory.resolve(DOCKERFILE));
    Path parent = dockerfile.toAbsolutePath().getParent();
    Path name = dockerfile.getFileName();
    if (parent == null || name == null) {
      throw GivenFiles.wrong("--file", dockerfile, "is a directory");
    }
    if (file.isPresent()) {
      GivenFiles.file("--file", dockerfile);
      attributes.put("filename", name.toString());
    } else if (needed) {
      inContext(directory);
    }
    directories.put("dockerfile", parent);
  }

  // Frontends take the name in small letters too.
  private static void inContext(Path directory) {
    for (String name : List.of(DOCKERFILE, "dockerfile")) {
      if (Files.exists(directory.resolve(name))) {
        GivenFiles.file("the Dockerfile", directory.resolve(name));
        return;
      }
    }
    throw GivenFiles.wrong(
        "the Dockerfile",
        directory.resolve(DOCKERFILE),
        "no such file or directory (--file names another one)");
  }

  /** A further context: a folder, or what the frontend finds by itself. */
  void named(String name, String where) {
    if (REMOTE.matcher(where).matches() || where.startsWith("docker-image://")) {
      attributes.put("context:" + name, where);
      return;
    }
    directories.put(name, GivenFiles.directory("--build-context " + name + "=", Path.of(where)));
    attributes.put("context:" + name, "local:" + name);
  }
}
