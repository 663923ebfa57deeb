package dev.kiln.daemon;

import dev.kiln.config.RegistryConfig;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Looks for the files that the settings of registries name, so that one that is missing is told at
 * the start and not by the first pull. The start goes on, as buildkitd's does: other registries do
 * not need the file. Stateless.
 */
final class RegistryFiles {
  private RegistryFiles() {}

  /** What cannot be read, each with its key. Blocks on the disk. */
  static List<String> missing(Map<String, RegistryConfig> registries) {
    var all = new ArrayList<String>();
    registries.forEach((host, registry) -> {
      registry.caFiles().forEach(file -> add(host, "ca", file, all));
      for (RegistryConfig.KeyPair pair : registry.keyPairs()) {
        add(host, "keypair.key", pair.keyFile(), all);
        add(host, "keypair.cert", pair.certFile(), all);
      }
    });
    return all;
  }

  private static void add(String host, String key, String file, List<String> to) {
    if (!isReadable(file)) {
      to.add(
          "registry.\"%s\".%s: '%s' is no file that can be read; connections to %s will fail"
              .formatted(host, key, file, host));
    }
  }

  private static boolean isReadable(String file) {
    try {
      return Files.isReadable(Path.of(file)) && !Files.isDirectory(Path.of(file));
    } catch (InvalidPathException e) {
      return false;
    }
  }
}
