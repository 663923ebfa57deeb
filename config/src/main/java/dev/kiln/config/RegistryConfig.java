package dev.kiln.config;

import java.util.List;
import java.util.Optional;

/**
 * How to reach one registry host. {@code http} absent means: plain HTTP for localhost only. Paths
 * are PEM files; a folder of {@code tlsConfigDirs} holds {@code *.crt} (authorities) and {@code
 * *.cert} with {@code *.key} (client pairs). Immutable.
 */
public record RegistryConfig(
    List<String> mirrors,
    Optional<Boolean> http,
    Optional<Boolean> insecure,
    List<String> caFiles,
    List<KeyPair> keyPairs,
    List<String> tlsConfigDirs) {
  public RegistryConfig {
    mirrors = List.copyOf(mirrors);
    caFiles = List.copyOf(caFiles);
    keyPairs = List.copyOf(keyPairs);
    tlsConfigDirs = List.copyOf(tlsConfigDirs);
  }

  /** A client certificate and its key, as PEM files. */
  public record KeyPair(String keyFile, String certFile) {}
}
