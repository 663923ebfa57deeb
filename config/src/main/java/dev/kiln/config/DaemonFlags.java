package dev.kiln.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * buildkitd's flags (v0.22 {@code cmd/buildkitd/main*.go}); an absent one leaves the file's value.
 * Filled by picocli, then read only.
 */
@Command(
    name = "buildkitd",
    description = "Kiln, a container build server that speaks BuildKit's protocol.",
    sortOptions = false,
    mixinStandardHelpOptions = false)
final class DaemonFlags {
  @Option(
      names = {"--help", "-h"},
      usageHelp = true,
      description = "Show this help.")
  boolean help;

  @Option(
      names = {"--version", "-v"},
      versionHelp = true,
      description = "Print the version.")
  boolean version;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description =
          "Configuration file (default: /etc/buildkit/buildkitd.toml, which may be missing).")
  @Nullable String config;

  @Option(
      names = "--root",
      paramLabel = "DIR",
      description = "State folder (default: /var/lib/buildkit).")
  @Nullable String root;

  @Option(
      names = "--addr",
      paramLabel = "ADDR",
      description =
          "Listen address, repeatable: unix://PATH, tcp://HOST:PORT or fd:// (default: unix:///run/buildkit/buildkitd.sock).")
  List<String> addr = new ArrayList<>();

  @Option(names = "--debug", arity = "0..1", fallbackValue = "true", description = "Log more.")
  @Nullable Boolean debug;

  @Option(names = "--trace", arity = "0..1", fallbackValue = "true", description = "Log most.")
  @Nullable Boolean trace;

  @Option(names = "--log-format", paramLabel = "text|json", description = "Form of the log.")
  @Nullable String logFormat;

  @Option(
      names = "--group",
      paramLabel = "GROUP",
      description = "Group, by name or id, that owns unix sockets.")
  @Nullable String group;

  @Option(
      names = "--debugaddr",
      paramLabel = "ADDR",
      defaultValue = "${env:BUILDKITD_DEBUGADDR}",
      description = "Address of the debug endpoints.")
  @Nullable String debugaddr;

  @Option(names = "--tlscert", paramLabel = "FILE", description = "Certificate of tcp listeners.")
  @Nullable String tlscert;

  @Option(names = "--tlskey", paramLabel = "FILE", description = "Key of tcp listeners.")
  @Nullable String tlskey;

  @Option(
      names = "--tlscacert",
      paramLabel = "FILE",
      description = "Authority of client certificates; makes them required.")
  @Nullable String tlscacert;

  @Option(
      names = "--allow-insecure-entitlement",
      paramLabel = "NAME",
      description =
          "Entitlement that builds may be granted, repeatable: network.host, security.insecure, device.")
  List<String> entitlements = new ArrayList<>();

  @Option(
      names = "--otel-socket-path",
      paramLabel = "PATH",
      description = "Socket on which build steps may send spans.")
  @Nullable String otelSocketPath;

  @Option(
      names = "--cdi-disabled",
      arity = "0..1",
      fallbackValue = "true",
      description = "Offer no CDI devices.")
  @Nullable Boolean cdiDisabled;

  @Option(
      names = "--cdi-spec-dir",
      paramLabel = "DIR",
      description = "Folder of CDI specifications, repeatable.")
  List<String> cdiSpecDirs = new ArrayList<>();

  @Option(
      names = "--rootless",
      arity = "0..1",
      fallbackValue = "true",
      description = "Run without root (not offered yet).")
  @Nullable Boolean rootless;

  @Option(
      names = "--oci-worker",
      paramLabel = "auto|true|false",
      description = "Use the runc worker.")
  @Nullable String ociWorker;

  @Option(
      names = "--oci-worker-labels",
      paramLabel = "K=V",
      description = "Label of the worker, repeatable.")
  Map<String, String> ociLabels = new LinkedHashMap<>();

  @Option(
      names = "--oci-worker-snapshotter",
      paramLabel = "NAME",
      description = "auto, overlayfs or native.")
  @Nullable String ociSnapshotter;

  @Option(
      names = "--oci-worker-platform",
      paramLabel = "PLATFORM",
      description = "Platform of the worker, repeatable.")
  List<String> ociPlatforms = new ArrayList<>();

  @Option(
      names = "--oci-worker-net",
      paramLabel = "MODE",
      description = "auto, cni, bridge, host or none.")
  @Nullable String ociNet;

  @Option(names = "--oci-worker-binary", paramLabel = "NAME", description = "The runc to use.")
  @Nullable String ociBinary;

  @Option(
      names = "--oci-worker-apparmor-profile",
      paramLabel = "NAME",
      description = "AppArmor profile of steps.")
  @Nullable String ociApparmor;

  @Option(
      names = "--oci-worker-selinux",
      arity = "0..1",
      fallbackValue = "true",
      description = "Label mounts for SELinux.")
  @Nullable Boolean ociSelinux;

  @Option(
      names = "--oci-worker-rootless",
      arity = "0..1",
      fallbackValue = "true",
      description = "Run steps without root (not offered yet).")
  @Nullable Boolean ociRootless;

  @Option(
      names = "--oci-worker-no-process-sandbox",
      arity = "0..1",
      fallbackValue = "true",
      description = "Share the host's processes; rootless only.")
  @Nullable Boolean ociNoProcessSandbox;

  @Option(
      names = "--oci-worker-gc",
      arity = "0..1",
      fallbackValue = "true",
      description = "Collect unused cache (default: true).")
  @Nullable Boolean ociGc;

  @Option(
      names = "--oci-worker-gc-keepstorage",
      paramLabel = "MB",
      description = "RESERVED[,FREE[,MAX]] of the cache, in MB.")
  @Nullable String ociKeepStorage;

  @Option(names = "--oci-cni-config-path", paramLabel = "FILE", description = "CNI configuration.")
  @Nullable String cniConfig;

  @Option(names = "--oci-cni-binary-dir", paramLabel = "DIR", description = "CNI plug-ins.")
  @Nullable String cniBinaries;

  @Option(
      names = "--oci-cni-pool-size",
      paramLabel = "N",
      description = "Network namespaces made ahead.")
  @Nullable Integer cniPool;

  @Option(
      names = "--oci-max-parallelism",
      paramLabel = "N",
      description = "Steps that run at once (default: no bound).")
  @Nullable Integer maxParallelism;

  /** {@code auto}, {@code false}; {@code true} fails, because that worker is not offered. */
  @Option(
      names = "--containerd-worker",
      paramLabel = "auto|true|false",
      description = "Use a containerd worker (not offered: only false and auto).")
  String containerdWorker = "auto";

  @Option(
      names = {
        "--containerd-worker-addr",
        "--containerd-worker-labels",
        "--containerd-worker-namespace",
        "--containerd-worker-runtime",
        "--containerd-worker-net",
        "--containerd-worker-snapshotter",
        "--containerd-worker-apparmor-profile",
        "--containerd-worker-gc-keepstorage",
        "--containerd-cni-config-path",
        "--containerd-cni-binary-dir",
        "--containerd-cni-pool-size",
        "--containerd-max-parallelism"
      },
      hidden = true,
      description = "Ignored.")
  List<String> containerdText = new ArrayList<>();

  @Option(
      names = {
        "--containerd-worker-gc",
        "--containerd-worker-selinux",
        "--containerd-worker-rootless",
        "--save-cache-debug"
      },
      arity = "0..1",
      fallbackValue = "true",
      hidden = true,
      description = "Ignored.")
  List<Boolean> containerdSwitches = new ArrayList<>();

  static <T> Optional<T> given(@Nullable T value) {
    return Optional.ofNullable(value);
  }
}
