package dev.kiln.ops.exec;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import dev.kiln.model.PlatformMatcher;
import dev.kiln.sys.SearchPath;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What runs the programs of platforms that the machine does not know by itself: {@code
 * buildkit-qemu-ARCH} on the daemon's search path (features L-92). Any thread. Source of the names:
 * BuildKit v0.22.0, {@code solver/llbsolver/ops/exec_binfmt.go}.
 */
public final class Emulators {
  /** Where a container has its emulator. */
  static final String PLACE = "/dev/.buildkit_qemu_emulator";

  private static final Logger LOG = LoggerFactory.getLogger(Emulators.class);
  private static final Map<String, String> NAMES =
      Map.of("arm64", "aarch64", "amd64", "x86_64", "386", "i386");

  private final Supplier<List<Platform>> runnable;
  private final SearchPath searchPath;

  /**
   * @param runnable the platforms that need no emulator
   * @param searchPath folders, with colons between
   */
  public Emulators(Supplier<List<Platform>> runnable, String searchPath) {
    this.runnable = runnable;
    this.searchPath = SearchPath.parse(searchPath);
  }

  /**
   * The emulator for a platform; empty where none is needed or none is there: the program then
   * fails by itself.
   *
   * @throws BuildException for a level of amd64 that the processor has not
   */
  Optional<Path> of(Platform wanted) {
    List<Platform> all = runnable.get();
    if (all.stream().anyMatch(own -> PlatformMatcher.only(own).matches(wanted))) {
      return Optional.empty();
    }
    String architecture = wanted.architecture();
    if (architecture.equals("amd64") && !List.of("", "v2").contains(wanted.variant())) {
      throw new BuildException(
          Kind.UNKNOWN,
          all.stream()
              .filter(own -> own.architecture().equals("amd64"))
              .map(Platform::format)
              .collect(
                  Collectors.joining(
                      ", ",
                      "no support for running processes with "
                          + wanted.format()
                          + " platform, supported: ",
                      "")));
    }
    String name = "buildkit-qemu-" + NAMES.getOrDefault(architecture, architecture);
    Optional<Path> found = searchPath.find(name);
    if (found.isEmpty()) {
      LOG.warn("a step for {} runs without an emulator: no {} in PATH", wanted.format(), name);
    }
    return found;
  }
}
