package dev.kiln.exec;

import java.nio.file.Path;
import java.util.List;

/**
 * Something to be mounted in a container besides the standard file systems. Immutable. Mounts are
 * made in the order given, so parents come first.
 */
public sealed interface ContainerMount {
  /** Absolute path in the container. */
  String destination();

  /**
   * A file or directory of the host.
   *
   * @param root what {@code selector} is resolved in, links included: nothing outside is reached
   * @param selector path under {@code root}; empty or {@code /} for all of it
   * @param options further mount options, such as {@code nosuid}
   */
  record Bind(
      String destination, Path root, String selector, boolean readonly, List<String> options)
      implements ContainerMount {
    public Bind {
      options = List.copyOf(options);
    }

    public Bind(String destination, Path root, String selector, boolean readonly) {
      this(destination, root, selector, readonly, List.of());
    }
  }

  /** A new memory file system; {@code sizeBytes} is 0 for the kernel's default bound. */
  record Tmpfs(String destination, long sizeBytes, boolean readonly) implements ContainerMount {}
}
