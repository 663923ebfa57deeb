package dev.kiln.exec;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Where containers' cgroups lie and what they say. Any thread. runc removes a container's cgroup at
 * its end; so with v2, where the numbers of a parent include its children's, each container gets
 * one directory more that lives a little longer and keeps them.
 */
final class Cgroups {
  private static final Path ROOT = Path.of("/sys/fs/cgroup");
  private static final String CHILD = "step";
  private final boolean unified;

  Cgroups() {
    this.unified = Files.exists(ROOT.resolve("cgroup.subtree_control"));
  }

  /** Whether the host has v2 alone; with v1 or a mix, containers share the host's namespace. */
  boolean unified() {
    return unified;
  }

  /**
   * The {@code cgroupsPath} of a container. Source: BuildKit v0.22 {@code executor/oci/spec.go}.
   *
   * @param parent empty for the default
   */
  String pathOf(String parent, String id) {
    if (parent.contains(".slice") && parent.endsWith(":")) {
      return parent + id;
    }
    if (parent.isEmpty()) {
      return "/buildkit/" + id;
    }
    return Path.of("/", parent, "buildkit", id).normalize().toString();
  }

  /**
   * The container's cgroup that outlives it, where there can be one; the caller removes it after
   * the end.
   */
  Optional<Kept> keep(String cgroupsPath) {
    if (!unified || cgroupsPath.contains(":")) {
      return Optional.empty();
    }
    Path directory = ROOT.resolve(cgroupsPath.substring(1));
    try {
      Path at = ROOT;
      for (Path name : ROOT.relativize(directory)) {
        passOn(at);
        at = at.resolve(name);
        if (!Files.exists(at)) {
          Files.createDirectory(at);
        }
      }
      passOn(directory);
      return Optional.of(new Kept(directory, cgroupsPath + "/" + CHILD));
    } catch (FileAlreadyExistsException e) {
      return keep(cgroupsPath); // another container made the parent in the meantime
    } catch (IOException e) {
      return Optional.empty(); // a read-only hierarchy, say: runc itself says what it needs
    }
  }

  /** Lets the children of a cgroup have its controllers; those that are not ours to give stay. */
  private static void passOn(Path cgroup) throws IOException {
    List<String> passed = words(cgroup.resolve("cgroup.subtree_control"));
    for (String controller : words(cgroup.resolve("cgroup.controllers"))) {
      if (!passed.contains(controller)) {
        try {
          Files.writeString(cgroup.resolve("cgroup.subtree_control"), "+" + controller);
        } catch (IOException e) {
          continue; // the kernel refuses some below cgroups with processes of their own
        }
      }
    }
  }

  private static List<String> words(Path file) throws IOException {
    String text = Files.readString(file).strip();
    return text.isEmpty() ? List.of() : List.of(text.split("\\s+"));
  }

  /** A v2 cgroup around one container's. */
  record Kept(Path directory, String runcPath) {
    /** How many processes were killed for want of memory. */
    long oomKills() {
      return number("memory.events", "oom_kill");
    }

    /** The number after {@code key} in a flat-keyed file; 0 where it is not to be had. */
    long number(String file, String key) {
      return lines(file).stream()
          .map(line -> line.split(" "))
          .filter(words -> words.length == 2 && words[0].equals(key))
          .map(words -> parse(words[1]))
          .findFirst()
          .orElse(0L);
    }

    /** The only number of a file. */
    long number(String file) {
      return lines(file).stream().findFirst().map(Kept::parse).orElse(0L);
    }

    List<String> lines(String file) {
      try {
        return Files.readAllLines(directory.resolve(file));
      } catch (IOException e) {
        return List.of();
      }
    }

    private static long parse(String text) {
      try {
        return Long.parseLong(text.strip());
      } catch (NumberFormatException e) {
        return 0;
      }
    }

    /** Ends all processes inside, in one stroke. */
    void kill() throws IOException {
      Files.writeString(directory.resolve("cgroup.kill"), "1");
    }

    void remove() throws IOException {
      Files.deleteIfExists(directory.resolve(CHILD));
      Files.deleteIfExists(directory);
    }
  }

  /** Removes what a container of that name left in any hierarchy; its processes are gone. */
  void removeLeftovers(String cgroupsPath) {
    if (cgroupsPath.contains(":")) {
      return;
    }
    String below = cgroupsPath.substring(1);
    var directories = new ArrayList<Path>();
    if (unified) {
      directories.add(ROOT.resolve(below).resolve(CHILD));
      directories.add(ROOT.resolve(below));
    } else {
      try (DirectoryStream<Path> hierarchies = Files.newDirectoryStream(ROOT)) {
        hierarchies.forEach(h -> directories.add(h.resolve(below)));
      } catch (IOException e) {
        return; // no cgroups, no leftovers
      }
    }
    for (Path directory : directories) {
      try {
        Files.delete(directory);
      } catch (NoSuchFileException e) {
        continue;
      } catch (IOException e) {
        org.slf4j.LoggerFactory.getLogger(Cgroups.class)
            .warn("cgroup {} of an earlier run stays: {}", directory, e.getMessage());
      }
    }
  }
}
