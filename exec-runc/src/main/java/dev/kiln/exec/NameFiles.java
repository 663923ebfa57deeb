package dev.kiln.exec;

import dev.kiln.sys.WholeFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.Map;

/**
 * The files that containers see as {@code /etc/hosts} and {@code /etc/resolv.conf}. Those of
 * ordinary containers are shared and written only when their text changes. Any thread.
 */
final class NameFiles {
  private final Path root;
  private final RuncOptions.Dns dns;
  private final Map<Path, String> written = new HashMap<>();

  NameFiles(Path root, RuncOptions.Dns dns) {
    this.root = root;
    this.dns = dns;
  }

  Path hosts(ContainerSpec container, Path bundle) throws IOException {
    String text = HostFiles.hosts(container.hostname(), container.hosts());
    if (container.hosts().isEmpty()
        && container.hostname().equals(ContainerSpec.DEFAULT_HOSTNAME)) {
      return shared("hosts", text);
    }
    return WholeFiles.write(bundle.resolve("hosts"), text);
  }

  Path resolvConf(boolean hostNetwork) throws IOException {
    String host = HostFiles.read(HostFiles.hostFile(hostNetwork));
    return shared(
        hostNetwork ? "resolv-host.conf" : "resolv.conf",
        HostFiles.resolvConf(host, dns, hostNetwork));
  }

  private synchronized Path shared(String name, String text) throws IOException {
    Path file = root.resolve(name);
    if (!text.equals(written.get(file))) {
      // a container that runs keeps the old file: it is replaced, not written into
      Path next = WholeFiles.write(root.resolve(name + ".tmp"), text);
      Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
      written.put(file, text);
    }
    return file;
  }
}
