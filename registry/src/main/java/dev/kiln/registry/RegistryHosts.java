package dev.kiln.registry;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How each registry is reached, by the host that references name: {@code registry."HOST"} of the
 * daemon's configuration. Immutable.
 */
public record RegistryHosts(Map<String, Host> hosts) {
  /** Nothing configured: https for all but localhost. */
  public static final RegistryHosts DEFAULT = new RegistryHosts(Map.of());

  public RegistryHosts {
    hosts = Map.copyOf(hosts);
  }

  /**
   * One host's settings.
   *
   * @param mirrors {@code host[/path]} asked in order before the host itself, for pulls only
   * @param plainHttp empty means plain for localhost alone
   * @param insecure skip TLS verification; together with {@code plainHttp}, https is tried first
   * @param tlsDirs folders whose {@code *.crt} are roots, and {@code *.cert} with {@code *.key}
   *     pairs
   */
  public record Host(
      List<String> mirrors,
      Optional<Boolean> plainHttp,
      Optional<Boolean> insecure,
      List<Path> roots,
      List<KeyPair> keyPairs,
      List<Path> tlsDirs) {
    public static final Host DEFAULT =
        new Host(List.of(), Optional.empty(), Optional.empty(), List.of(), List.of(), List.of());

    /** Where the client asked to be insecure. */
    static final Host ANYTHING_GOES =
        new Host(List.of(), Optional.of(true), Optional.of(true), List.of(), List.of(), List.of());

    public Host {
      mirrors = List.copyOf(mirrors);
      roots = List.copyOf(roots);
      keyPairs = List.copyOf(keyPairs);
      tlsDirs = List.copyOf(tlsDirs);
    }
  }

  /** PEM files that prove the daemon to a registry. */
  public record KeyPair(Path key, Path certificate) {}

  Host of(String host) {
    return hosts.getOrDefault(host, Host.DEFAULT);
  }
}
