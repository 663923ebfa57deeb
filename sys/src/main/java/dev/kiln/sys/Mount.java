package dev.kiln.sys;

import java.util.List;

/**
 * What {@code mount(2)} needs for one file system, without the place where it goes; also the form
 * in which runc takes a mount. Immutable.
 *
 * @param type {@code overlay}, {@code bind}, {@code tmpfs}, …
 * @param source directory, device or a name of no meaning
 * @param options as in {@code mount -o}: {@code ro}, {@code rbind}, {@code lowerdir=…}
 */
public record Mount(String type, String source, List<String> options) {
  public Mount {
    options = List.copyOf(options);
  }

  /** A bind mount of a directory with all below it. */
  public static Mount bind(String source, boolean readOnly) {
    return new Mount("bind", source, List.of("rbind", readOnly ? "ro" : "rw"));
  }

  public boolean isReadOnly() {
    return options.contains("ro");
  }
}
