package dev.kiln.config;

import dev.kiln.config.WorkerConfig.Toggle;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What buildkitd can be told and this daemon does not do (BuildKit v0.22 and v0.34 {@code
 * cmd/buildkitd}). A setting that somebody may rely on for security or isolation ends the start;
 * any other one is a warning. A setting that is off asks for nothing. Stateless.
 */
final class NotOffered {
  private static final String ROOTLESS = "rootless is not offered yet; start the daemon as root";
  private static final String SNAPSHOTTERS = "the snapshotters are overlayfs and native";
  private static final String ONE_WORKER = "this daemon has a runc worker only";
  private static final String CONTAINERD = "worker.containerd";

  /**
   * One setting.
   *
   * @param flag empty where there is none
   * @param key of the file, or a table of which each key counts; empty where there is none
   * @param refused whether it ends the start
   */
  private record Setting(String flag, String key, boolean refused, String why) {}

  private static final List<Setting> SETTINGS =
      List.of(
          refused("--rootless", "", ROOTLESS),
          refused("--oci-worker-rootless", "worker.oci.rootless", ROOTLESS),
          refused("--oci-worker-no-process-sandbox", "worker.oci.noProcessSandbox", ROOTLESS),
          refused("", "worker.oci.userRemapUnsupported", "users of steps would not be remapped"),
          refused("--oci-worker-selinux", "worker.oci.selinux", "steps would have no labels"),
          refused(
              "--oci-worker-proxy-snapshotter-path",
              "worker.oci.proxySnapshotterPath",
              SNAPSHOTTERS),
          warned("", "worker.oci.stargzSnapshotter", SNAPSHOTTERS),
          refused("--proxy-network", "proxyNetwork", "steps would not be held to a proxy"),
          refused("", "cache.gha.sign", "caches would be exported without a signature"),
          refused("", "cache.gha.verify", "caches would be imported whoever signed them"),
          refused("", "grpc.securityDescriptor", "it is for Windows; see grpc.uid and grpc.gid"),
          warned("", "provenanceEnvDir", "nothing is added to provenance"),
          warned("", "compaction", "databases are not compacted"),
          warned("", "system.maxRegistryConcurrency", "the limit is fixed"),
          warned("", "system.sessionAuthTimeout", "the time is fixed"),
          warned("--save-cache-debug", "", "nothing is saved about cache keys"));

  /** Of a worker that is not there; moot where somebody says that it shall not be. */
  private static final List<Setting> OF_CONTAINERD =
      List.of(
          refused("--containerd-worker-rootless", CONTAINERD + ".rootless", ONE_WORKER),
          refused("--containerd-worker-selinux", CONTAINERD + ".selinux", ONE_WORKER),
          refused(
              "--containerd-worker-apparmor-profile", CONTAINERD + ".apparmor-profile", ONE_WORKER),
          refused(
              "--containerd-worker-hyperv-isolation", CONTAINERD + ".hypervIsolation", ONE_WORKER),
          warned("--containerd-worker-addr", CONTAINERD + ".address", ONE_WORKER),
          warned("--containerd-worker-labels", CONTAINERD + ".labels", ONE_WORKER),
          warned("--containerd-worker-net", CONTAINERD + ".networkMode", ONE_WORKER),
          warned("--containerd-worker-snapshotter", CONTAINERD + ".snapshotter", ONE_WORKER),
          warned("--containerd-worker-gc", CONTAINERD + ".gc", ONE_WORKER),
          warned("--containerd-worker-gc-keepstorage", CONTAINERD + ".gckeepstorage", ONE_WORKER),
          warned("--containerd-cni-config-path", CONTAINERD + ".cniConfigPath", ONE_WORKER),
          warned("--containerd-cni-binary-dir", CONTAINERD + ".cniBinaryPath", ONE_WORKER),
          warned("--containerd-cni-pool-size", CONTAINERD + ".cniPoolSize", ONE_WORKER),
          warned("--containerd-max-parallelism", CONTAINERD + ".max-parallelism", ONE_WORKER),
          warned("", CONTAINERD, ONE_WORKER)); // all others

  private NotOffered() {}

  private static Setting refused(String flag, String key, String why) {
    return new Setting(flag, key, true, why);
  }

  private static Setting warned(String flag, String key, String why) {
    return new Setting(flag, key, false, why);
  }

  /** The flags, for the command line to know. */
  static List<String> flags() {
    var all = new ArrayList<String>();
    SETTINGS.forEach(setting -> all.add(setting.flag()));
    OF_CONTAINERD.forEach(setting -> all.add(setting.flag()));
    all.removeIf(String::isEmpty);
    return all;
  }

  /**
   * Looks through flags and file; what it knows of the file counts as read.
   *
   * @return a warning for each setting without effect
   * @throws ConfigException for a setting that must not be without effect
   */
  static List<String> check(DaemonFlags flags, TomlTable toml) {
    var warnings = new ArrayList<String>();
    boolean off = isContainerdOff(flags, toml);
    for (Setting setting : SETTINGS) {
      warnings.addAll(check(setting, flags, toml));
    }
    for (Setting setting : OF_CONTAINERD) {
      if (off) {
        toml.take(setting.key());
      } else {
        warnings.addAll(check(setting, flags, toml));
      }
    }
    return List.copyOf(warnings);
  }

  /** A flag wins over the file, also where it turns off what the file turns on. */
  private static List<String> check(Setting setting, DaemonFlags flags, TomlTable toml) {
    List<String> names = setting.key().isEmpty() ? List.of() : toml.take(setting.key());
    Optional<Boolean> flag = setting.flag().isEmpty() ? Optional.empty() : flags.on(setting.flag());
    if (flag.isPresent()) {
      names = flag.get() ? List.of(setting.flag()) : List.of();
    }
    if (setting.refused() && !names.isEmpty()) {
      throw new ConfigException(names.getFirst() + " is not supported: " + setting.why());
    }
    return names.stream().map(name -> name + " has no effect: " + setting.why()).toList();
  }

  private static boolean isContainerdOff(DaemonFlags flags, TomlTable toml) {
    Optional<Toggle> flag =
        flags.containerdWorker.value().map(text -> Toggle.parse("--containerd-worker", text));
    Optional<Toggle> key = toml.table("worker").table("containerd").flag("enabled").map(Toggle::of);
    Toggle wanted = flag.or(() -> key).orElse(Toggle.AUTO);
    if (wanted == Toggle.ON) {
      String name = flag.isPresent() ? "--containerd-worker" : CONTAINERD + ".enabled";
      throw new ConfigException(name + " is not supported: " + ONE_WORKER + "; set it to false");
    }
    return wanted == Toggle.OFF;
  }
}
