package dev.kiln.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Everything the daemon is told at its start: flags over buildkitd.toml over defaults. Immutable.
 */
public record DaemonConfig(
    Path root,
    LogConfig log,
    List<String> insecureEntitlements,
    GrpcConfig grpc,
    OtelConfig otel,
    CdiConfig cdi,
    HistoryConfig history,
    DnsConfig dns,
    FrontendsConfig frontends,
    Duration platformsCacheMaxAge,
    WorkerConfig worker,
    Map<String, RegistryConfig> registries) {
  public DaemonConfig {
    insecureEntitlements = List.copyOf(insecureEntitlements);
    registries = Map.copyOf(registries);
    for (String entitlement : insecureEntitlements) {
      if (!List.of("network.host", "security.insecure", "device").contains(entitlement)) {
        throw new ConfigException(
            "invalid entitlement \""
                + entitlement
                + "\" in insecure-entitlements: accepted are network.host, security.insecure and device");
      }
    }
  }

  /** The same for a state that lies in {@code folder}. */
  public DaemonConfig keptIn(Path folder) {
    return new DaemonConfig(
        folder,
        log,
        insecureEntitlements,
        grpc,
        otel,
        cdi,
        history,
        dns,
        frontends,
        platformsCacheMaxAge,
        worker,
        registries);
  }

  /** {@code level} is trace, debug, info, warn or error; {@code format} is text or json. */
  public record LogConfig(String level, String format) {}

  /**
   * Where to listen; TLS applies to tcp addresses only. {@code uid} and {@code gid} own unix
   * sockets; -1 leaves them as they are.
   */
  public record GrpcConfig(
      List<String> addresses, String debugAddress, int uid, int gid, Optional<TlsConfig> tls) {
    public GrpcConfig {
      addresses = List.copyOf(addresses);
    }
  }

  /** PEM files; with {@code caFile} a client certificate is required. */
  public record TlsConfig(String certFile, String keyFile, Optional<String> caFile) {}

  /**
   * Where steps may send spans.
   *
   * @param named whether somebody chose the place: then it must be free
   */
  public record OtelConfig(Path socket, boolean named) {}

  public record CdiConfig(boolean disabled, List<String> specDirs, List<String> autoAllowed) {
    public CdiConfig {
      specDirs = List.copyOf(specDirs);
      autoAllowed = List.copyOf(autoAllowed);
    }
  }

  /**
   * What of finished builds is kept: at most so many entries, and so long; absent: that bound does
   * not hold.
   */
  public record HistoryConfig(Optional<Duration> maxAge, Optional<Integer> maxEntries) {}

  /** Empty lists mean the host's own settings. */
  public record DnsConfig(
      List<String> nameservers, List<String> options, List<String> searchDomains) {
    public DnsConfig {
      nameservers = List.copyOf(nameservers);
      options = List.copyOf(options);
      searchDomains = List.copyOf(searchDomains);
    }
  }

  /** Which frontends answer; an empty list of gateway repositories allows any. */
  public record FrontendsConfig(
      boolean dockerfile, boolean gateway, List<String> gatewayRepositories) {
    public FrontendsConfig {
      gatewayRepositories = List.copyOf(gatewayRepositories);
    }
  }
}
