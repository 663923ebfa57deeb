package dev.kiln.config;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * buildkitd's flags (v0.22 and v0.34 {@code cmd/buildkitd/main*.go}); an absent one leaves the
 * file's value. Declared by calls, as annotations take a tenth of the daemon's start to read. One
 * thread.
 */
final class DaemonFlags {
  /** A flag, and its value once the command line is parsed. */
  record Flag<T>(Supplier<@Nullable T> given) {
    /** Empty where the flag is absent. */
    Optional<T> value() {
      return Optional.ofNullable(given.get());
    }
  }

  private static final Set<String> OFF = Set.of("", "0", "f", "F", "false", "FALSE", "False");

  private final CommandSpec command = CommandSpec.create().name("buildkitd");
  private final CommandLine line;

  {
    flag(OptionSpec.builder("--help", "-h").usageHelp(true), "Show this help.");
    flag(OptionSpec.builder("--version", "-v").versionHelp(true), "Print the version.");
  }

  final Flag<String> config =
      variable(
          "--config",
          "FILE",
          "BUILDKITD_CONFIG",
          "Configuration file (default: $BUILDKITD_CONFIG, else /etc/buildkit/buildkitd.toml, which may be missing).");
  final Flag<String> root = text("--root", "DIR", "State folder (default: /var/lib/buildkit).");
  final Flag<List<String>> addr =
      texts(
          "--addr",
          "ADDR",
          "Listen address, repeatable: unix://PATH, tcp://HOST:PORT or fd:// (default: unix:///run/buildkit/buildkitd.sock).");
  final Flag<String> logLevel =
      variable(
          "--log-level",
          "LEVEL",
          "BUILDKITD_LOG_LEVEL",
          "error, warn, info, debug or trace (default: $BUILDKITD_LOG_LEVEL, else info).");
  final Flag<Boolean> debug = toggle("--debug", "Log more.");
  final Flag<Boolean> trace = toggle("--trace", "Log most.");
  final Flag<String> logFormat = text("--log-format", "text|json", "Form of the log.");
  final Flag<String> group =
      text("--group", "GROUP", "Group, by name or id, that owns unix sockets.");
  final Flag<String> debugaddr =
      variable(
          "--debugaddr",
          "ADDR",
          "BUILDKITD_DEBUGADDR",
          "Address of the debug endpoints (default: $BUILDKITD_DEBUGADDR).");
  final Flag<String> tlscert = text("--tlscert", "FILE", "Certificate of tcp listeners.");
  final Flag<String> tlskey = text("--tlskey", "FILE", "Key of tcp listeners.");
  final Flag<String> tlscacert =
      text("--tlscacert", "FILE", "Authority of client certificates; makes them required.");
  final Flag<List<String>> entitlements =
      texts(
          "--allow-insecure-entitlement",
          "NAME",
          "Entitlement that builds may be granted, repeatable: network.host, security.insecure, device.");
  final Flag<String> otelSocketPath =
      text("--otel-socket-path", "PATH", "Socket on which build steps may send spans.");
  final Flag<Boolean> cdiDisabled = toggle("--cdi-disabled", "Offer no CDI devices.");
  final Flag<List<String>> cdiSpecDirs =
      texts("--cdi-spec-dir", "DIR", "Folder of CDI specifications, repeatable.");
  final Flag<String> ociWorker = text("--oci-worker", "auto|true|false", "Use the runc worker.");
  final Flag<Map<String, String>> ociLabels =
      pairs("--oci-worker-labels", "K=V", "Label of the worker, repeatable.");
  final Flag<String> ociSnapshotter =
      text("--oci-worker-snapshotter", "NAME", "auto, overlayfs or native.");
  final Flag<List<String>> ociPlatforms =
      texts("--oci-worker-platform", "PLATFORM", "Platform of the worker, repeatable.");
  final Flag<String> ociNet = text("--oci-worker-net", "MODE", "auto, cni, bridge, host or none.");
  final Flag<String> ociBinary = text("--oci-worker-binary", "NAME", "The runc to use.");
  final Flag<String> ociApparmor =
      text("--oci-worker-apparmor-profile", "NAME", "AppArmor profile of steps.");
  final Flag<Boolean> ociGc = toggle("--oci-worker-gc", "Collect unused cache (default: true).");
  final Flag<String> ociKeepStorage =
      text("--oci-worker-gc-keepstorage", "MB", "RESERVED[,FREE[,MAX]] of the cache, in MB.");
  final Flag<String> cniConfig = text("--oci-cni-config-path", "FILE", "CNI configuration.");
  final Flag<String> cniBinaries = text("--oci-cni-binary-dir", "DIR", "CNI plug-ins.");
  final Flag<Integer> cniPool =
      number("--oci-cni-pool-size", "N", "Network namespaces made ahead.");
  final Flag<Integer> maxParallelism =
      number(
          "--oci-max-parallelism",
          "N",
          "Steps that run at once (default: as the machine has room).");

  /** {@code auto}, {@code false}; {@code true} fails, because that worker is not offered. */
  final Flag<String> containerdWorker =
      text(
          "--containerd-worker",
          "auto|true|false",
          "Use a containerd worker (not offered: only false and auto).");

  /**
   * @throws ConfigException for an unknown flag or a value that is none
   */
  DaemonFlags(List<String> arguments) {
    for (String name : NotOffered.flags()) {
      flag(toggle(name).type(List.class).auxiliaryTypes(String.class).hidden(true), "Not offered.");
    }
    command
        .usageMessage()
        .description("Kiln, a container build server that speaks BuildKit's protocol.")
        .sortOptions(false)
        .longOptionsMaxWidth(36);
    line = new CommandLine(command).setOverwrittenOptionsAllowed(true); // the last one counts
    try {
      line.parseArgs(arguments.toArray(String[]::new));
    } catch (ParameterException e) {
      throw new ConfigException(e.getMessage() + " (see --help)", e);
    }
  }

  /** What is to be printed instead of a start. */
  Optional<String> print(String version) {
    return line.isUsageHelpRequested()
        ? Optional.of(line.getUsageMessage())
        : line.isVersionHelpRequested() ? Optional.of(version + "\n") : Optional.empty();
  }

  private Flag<String> text(String name, String label, String description) {
    return flag(OptionSpec.builder(name).type(String.class).paramLabel(label), description);
  }

  /** One that the environment may give. */
  private Flag<String> variable(String name, String label, String variable, String description) {
    return flag(
        OptionSpec.builder(name)
            .type(String.class)
            .paramLabel(label)
            .defaultValue("${env:" + variable + "}"),
        description);
  }

  private Flag<Integer> number(String name, String label, String description) {
    return flag(OptionSpec.builder(name).type(Integer.class).paramLabel(label), description);
  }

  private Flag<Boolean> toggle(String name, String description) {
    return flag(toggle(name).type(Boolean.class), description);
  }

  private static OptionSpec.Builder toggle(String... names) {
    return OptionSpec.builder(names).arity("0..1").fallbackValue("true").paramLabel("true|false");
  }

  private Flag<List<String>> texts(String name, String label, String description) {
    return flag(repeatable(name).paramLabel(label), description);
  }

  private static OptionSpec.Builder repeatable(String... names) {
    return OptionSpec.builder(names).type(List.class).auxiliaryTypes(String.class);
  }

  private Flag<Map<String, String>> pairs(String name, String label, String description) {
    return flag(
        OptionSpec.builder(name)
            .type(Map.class)
            .auxiliaryTypes(String.class, String.class)
            .paramLabel(label),
        description);
  }

  private <T> Flag<T> flag(OptionSpec.Builder builder, String description) {
    OptionSpec option = builder.description(description).build();
    command.addOption(option);
    return new Flag<>(option::getValue);
  }

  /**
   * Whether a flag of what is not offered asks for something; empty where it is absent.
   *
   * @param name one of {@link NotOffered#flags}
   */
  Optional<Boolean> on(String name) {
    List<String> given = command.findOption(name).getValue();
    return Optional.ofNullable(given)
        .map(values -> values.stream().anyMatch(value -> !OFF.contains(value)));
  }
}
