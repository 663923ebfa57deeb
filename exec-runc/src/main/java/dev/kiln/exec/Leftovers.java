package dev.kiln.exec;

import dev.kiln.sys.Mounts;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a daemon that was killed has left of its containers: processes, mounts below the bundles,
 * cgroups, files. Used once, at start.
 */
final class Leftovers {
  private static final Logger LOG = LoggerFactory.getLogger(Leftovers.class);

  /** In each bundle: where the container's cgroup lies. */
  static final String CGROUP_FILE = "cgroup";

  private final Runc runc;
  private final Cgroups cgroups;
  private final Path bundles;

  Leftovers(Runc runc, Cgroups cgroups, Path bundles) {
    this.runc = runc;
    this.cgroups = cgroups;
    this.bundles = bundles;
  }

  void clear() throws IOException {
    for (Path container : children(runc.state())) {
      LOG.info("removing container {} of an earlier run", container.getFileName());
      runc.delete(String.valueOf(container.getFileName()));
    }
    unmountBelow(bundles);
    for (Path bundle : children(bundles)) {
      Path cgroup = bundle.resolve(CGROUP_FILE);
      if (Files.isRegularFile(cgroup)) {
        cgroups.removeLeftovers(Files.readString(cgroup));
      }
      removeFlat(bundle);
    }
  }

  private static void unmountBelow(Path directory) throws IOException {
    List<Path> mounted;
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/mountinfo"))) {
      mounted =
          lines
              .map(line -> Path.of(line.split(" ")[4].replace("\\040", " ")))
              .filter(p -> p.startsWith(directory))
              .toList();
    }
    for (Path p : mounted.reversed()) { // the latest first
      Mounts.unmount(p, Mounts.MNT_DETACH);
    }
  }

  private static List<Path> children(Path directory) throws IOException {
    var all = new ArrayList<Path>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      entries.forEach(all::add);
    } catch (NoSuchFileException e) {
      return List.of();
    }
    return all;
  }

  /** Removes a directory of plain files; one that is not there is fine. */
  static void removeFlat(Path directory) throws IOException {
    for (Path file : children(directory)) {
      Files.deleteIfExists(file);
    }
    Files.deleteIfExists(directory);
  }
}
