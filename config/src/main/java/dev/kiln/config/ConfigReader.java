package dev.kiln.config;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.toml.TomlMapper;
import com.google.re2j.Pattern;
import dev.kiln.config.DaemonConfig.CdiConfig;
import dev.kiln.config.DaemonConfig.DnsConfig;
import dev.kiln.config.DaemonConfig.FrontendsConfig;
import dev.kiln.config.DaemonConfig.GrpcConfig;
import dev.kiln.config.DaemonConfig.HistoryConfig;
import dev.kiln.config.DaemonConfig.LogConfig;
import dev.kiln.config.DaemonConfig.OtelConfig;
import dev.kiln.config.DaemonConfig.TlsConfig;
import dev.kiln.config.WorkerConfig.NetworkConfig;
import dev.kiln.config.WorkerConfig.Toggle;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Reads the daemon's configuration: a flag wins over buildkitd.toml, that over the default, key by
 * key (BuildKit v0.22 and v0.34 {@code cmd/buildkitd/config/config.go}, {@code
 * docs/buildkitd.toml.md}). An unknown key is a warning, a bad value a {@link ConfigException}.
 * Stateless.
 */
public final class ConfigReader {
  private static final int MAX_BYTES = 1 << 20;
  private static final Path DEFAULT_FILE = Path.of("/etc/buildkit/buildkitd.toml");

  private ConfigReader() {}

  /** What the command line asks for. */
  public sealed interface Request {
    /**
     * @param warnings what of it has no effect, or can hardly be meant, for the log that it
     *     configures
     */
    record Start(DaemonConfig config, List<String> warnings) implements Request {
      public Start {
        warnings = List.copyOf(warnings);
      }
    }

    /** Print this and end well. */
    record Print(String text) implements Request {}
  }

  /**
   * @param gids finds a group's id by its name
   */
  public static Request read(List<String> args, String version, Function<String, Integer> gids) {
    var flags = new DaemonFlags(args);
    Optional<String> print = flags.print(version);
    if (print.isPresent()) {
      return new Request.Print(print.get());
    }
    Optional<Path> named =
        flags.config.value().filter(text -> !text.isEmpty()).map(text -> path("--config", text));
    TomlTable toml = load(named);
    var warnings = new ArrayList<>(NotOffered.check(flags, toml));
    DaemonConfig config = merge(flags, toml, gids);
    warnings.addAll(toml.doubts());
    for (String key : toml.unknown()) {
      warnings.add("unknown key " + key + " in " + named.orElse(DEFAULT_FILE) + " is ignored");
    }
    return new Request.Start(config, warnings);
  }

  private static TomlTable load(Optional<Path> named) {
    Path file = named.orElse(DEFAULT_FILE);
    if (named.isEmpty() && !Files.exists(file)) {
      return new TomlTable(new TomlMapper().createObjectNode(), "");
    }
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(MAX_BYTES + 1);
      if (bytes.length > MAX_BYTES) {
        throw unreadable(
            file, "it is larger than " + MAX_BYTES + " bytes", new IOException("too large"));
      }
      return new TomlTable((ObjectNode) new TomlMapper().readTree(bytes), "");
    } catch (JsonProcessingException e) {
      String said = e.getOriginalMessage().lines().findFirst().orElse("not TOML");
      JsonLocation at = e.getLocation();
      throw unreadable(
          file, "line " + at.getLineNr() + ", column " + at.getColumnNr() + ": " + said, e);
    } catch (NoSuchFileException e) {
      throw unreadable(file, "no such file", e);
    } catch (IOException e) {
      throw unreadable(file, "" + e.getMessage(), e);
    }
  }

  private static ConfigException unreadable(Path file, String why, Exception cause) {
    return new ConfigException("failed to load config from " + file + ": " + why, cause);
  }

  private static DaemonConfig merge(
      DaemonFlags flags, TomlTable toml, Function<String, Integer> gids) {
    TomlTable history = toml.table("history");
    TomlTable dns = toml.table("dns");
    TomlTable cdi = toml.table("cdi");
    TomlTable frontends = toml.table("frontend");
    TomlTable gateway = frontends.table("gateway.v0");
    boolean bounded = toml.has("history");
    return new DaemonConfig(
        path("root", pick(flags.root, toml.text("root")).orElse("/var/lib/buildkit"))
            .toAbsolutePath(),
        log(flags, toml),
        texts(flags.entitlements, toml.texts("insecure-entitlements")),
        grpc(flags, toml.table("grpc"), gids),
        otel(pick(flags.otelSocketPath, toml.table("otel").text("socketPath"))),
        new CdiConfig(
            pick(flags.cdiDisabled, cdi.flag("disabled")).orElse(false),
            texts(
                flags.cdiSpecDirs,
                cdi.texts("specDirs"),
                "/etc/cdi",
                "/var/run/cdi",
                "/etc/buildkit/cdi"),
            cdi.texts("autoAllowed")),
        bounded
            ? new HistoryConfig(history.duration("maxAge"), history.number("maxEntries"))
            : new HistoryConfig(Optional.of(Duration.ofHours(48)), Optional.of(50)),
        new DnsConfig(dns.texts("nameservers"), dns.texts("options"), dns.texts("searchDomains")),
        new FrontendsConfig(
            frontends.table("dockerfile.v0").flag("enabled").orElse(true),
            gateway.flag("enabled").orElse(true),
            gateway.texts("allowedRepositories")),
        toml.table("system").duration("platformsCacheMaxAge").orElse(Duration.ofSeconds(20)),
        worker(flags, toml.table("worker").table("oci")),
        registries(toml.table("registry")));
  }

  private static OtelConfig otel(Optional<String> socket) {
    return new OtelConfig(
        path("otel.socketPath", socket.orElse("/run/buildkit/otel-grpc.sock")), socket.isPresent());
  }

  private static LogConfig log(DaemonFlags flags, TomlTable toml) {
    TomlTable log = toml.table("log");
    String format = pick(flags.logFormat, log.text("format")).orElse("text");
    if (!format.equals("text") && !format.equals("json")) {
      throw new ConfigException("unsupported log format '" + format + "': write text or json");
    }
    boolean trace = pick(flags.trace, toml.flag("trace")).orElse(false);
    boolean debug = pick(flags.debug, toml.flag("debug")).orElse(false);
    String level = pick(flags.logLevel, log.text("level")).orElse("");
    if (level.isEmpty()) {
      return new LogConfig(trace ? "trace" : debug ? "debug" : "info", format);
    }
    return new LogConfig(level(level), format);
  }

  /** As logrus names levels; those above error are errors here. */
  private static String level(String name) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "trace", "debug", "info", "error" -> name.toLowerCase(Locale.ROOT);
      case "warn", "warning" -> "warn";
      case "fatal", "panic" -> "error";
      default ->
          throw new ConfigException(
              "unknown log level '" + name + "': write error, warn, info, debug or trace");
    };
  }

  private static GrpcConfig grpc(
      DaemonFlags flags, TomlTable grpc, Function<String, Integer> gids) {
    TomlTable tls = grpc.table("tls");
    Optional<String> cert = pick(flags.tlscert, tls.text("cert"));
    Optional<String> key = pick(flags.tlskey, tls.text("key"));
    Optional<String> ca = pick(flags.tlscacert, tls.text("ca"));
    if (cert.isPresent() != key.isPresent()) {
      throw new ConfigException("you must specify key and cert file if one is specified");
    }
    if (ca.isPresent() && cert.isEmpty()) {
      throw new ConfigException(
          "a client authority needs a server certificate: add --tlscert and --tlskey");
    }
    Optional<Integer> gid =
        flags
            .group
            .value()
            .map(name ->
                Pattern.matches("[0-9]{1,9}", name) ? Integer.parseInt(name) : gids.apply(name));
    return new GrpcConfig(
        texts(flags.addr, grpc.texts("address"), "unix:///run/buildkit/buildkitd.sock"),
        pick(flags.debugaddr, grpc.text("debugAddress")).orElse(""),
        grpc.number("uid").orElse(-1),
        either(gid, grpc.number("gid")).orElse(-1),
        cert.map(file -> new TlsConfig(file, key.orElseThrow(), ca)));
  }

  private static WorkerConfig worker(DaemonFlags flags, TomlTable oci) {
    Optional<Toggle> flag = flags.ociWorker.value().map(t -> Toggle.parse("--oci-worker", t));
    if (either(flag, oci.flag("enabled").map(Toggle::of)).orElse(Toggle.AUTO) == Toggle.OFF) {
      throw new ConfigException(
          "no worker: "
              + (flag.isPresent() ? "--oci-worker=false" : "worker.oci.enabled = false")
              + " turns off the only one that this daemon has; leave it out");
    }
    var labels = new LinkedHashMap<>(oci.textMap("labels"));
    labels.putAll(flags.ociLabels.value().orElse(Map.of()));
    boolean gc = pick(flags.ociGc, oci.flag("gc")).orElse(true);
    String snapshotter = pick(flags.ociSnapshotter, oci.text("snapshotter")).orElse("auto");
    if (!List.of("auto", "overlayfs", "native").contains(snapshotter)) {
      throw new ConfigException(
          (flags.ociSnapshotter.value().isPresent()
                  ? "--oci-worker-snapshotter"
                  : "worker.oci.snapshotter")
              + ": unknown snapshotter '"
              + snapshotter
              + "': this daemon has auto, overlayfs and native");
    }
    String mode = pick(flags.ociNet, oci.text("networkMode")).orElse("auto");
    if (!List.of("auto", "cni", "bridge", "host", "none").contains(mode)) {
      throw new ConfigException(
          (flags.ociNet.value().isPresent() ? "--oci-worker-net" : "worker.oci.networkMode")
              + ": invalid network mode: \""
              + mode
              + "\": this daemon has auto, cni, bridge, host and none");
    }
    var policies = new ArrayList<GcPolicy>();
    for (TomlTable rule : oci.list("gcpolicy")) {
      policies.add(
          new GcPolicy(
              rule.flag("all").orElse(false),
              rule.texts("filters"),
              rule.duration("keepDuration").orElse(Duration.ZERO),
              either(rule.disk("reservedSpace"), rule.disk("keepBytes")),
              rule.disk("maxUsedSpace"),
              rule.disk("minFreeSpace")));
    }
    return new WorkerConfig(
        labels,
        texts(flags.ociPlatforms, oci.texts("platforms")),
        snapshotter,
        pick(flags.ociBinary, oci.text("binary")).orElse(""),
        gc,
        policies,
        thresholds(flags, oci),
        new NetworkConfig(
            mode,
            pick(flags.cniConfig, oci.text("cniConfigPath")).orElse("/etc/buildkit/cni.json"),
            pick(flags.cniBinaries, oci.text("cniBinaryPath")).orElse("/opt/cni/bin"),
            pick(flags.cniPool, oci.number("cniPoolSize")).orElse(0),
            oci.text("bridgeName").orElse("buildkit0"),
            oci.text("bridgeSubnet").orElse("10.10.0.0/16")),
        oci.text("defaultCgroupParent").orElse(""),
        pick(flags.ociApparmor, oci.text("apparmor-profile")).orElse(""),
        pick(flags.maxParallelism, oci.number("max-parallelism")).orElse(0));
  }

  /** The flag takes the place of all three keys; the old key counts where none of them is set. */
  private static GcThresholds thresholds(DaemonFlags flags, TomlTable oci) {
    var file =
        new GcThresholds(
            oci.disk("reservedSpace"), oci.disk("maxUsedSpace"), oci.disk("minFreeSpace"));
    Optional<DiskSpace> keepStorage = oci.disk("gckeepstorage");
    GcThresholds set = flags.ociKeepStorage.value().map(ConfigReader::megabytes).orElse(file);
    return set.isUnset() ? new GcThresholds(keepStorage, Optional.empty(), Optional.empty()) : set;
  }

  private static GcThresholds megabytes(String flag) {
    if (!Pattern.matches("|[0-9]{1,12}(,[0-9]{1,12}){0,2}", flag)) {
      throw new ConfigException(
          "invalid --oci-worker-gc-keepstorage '"
              + flag
              + "': write RESERVED[,FREE[,MAX]], whole numbers of MB");
    }
    List<Optional<DiskSpace>> parts =
        flag.isEmpty() ? List.of() : Stream.of(flag.split(",")).map(ConfigReader::mega).toList();
    return new GcThresholds(
        parts.isEmpty() ? Optional.empty() : parts.get(0),
        parts.size() < 3 ? Optional.empty() : parts.get(2),
        parts.size() < 2 ? Optional.empty() : parts.get(1));
  }

  private static Optional<DiskSpace> mega(String bytes) {
    return Optional.<DiskSpace>of(new DiskSpace.Bytes(Long.parseLong(bytes) * 1_000_000))
        .filter(space -> !space.isNone());
  }

  private static Map<String, RegistryConfig> registries(TomlTable registry) {
    var all = new LinkedHashMap<String, RegistryConfig>();
    registry
        .tables()
        .forEach((host, t) ->
            all.put(
                host,
                new RegistryConfig(
                    t.texts("mirrors"),
                    t.flag("http"),
                    t.flag("insecure"),
                    t.texts("ca"),
                    t.list("keypair").stream()
                        .map(p ->
                            new RegistryConfig.KeyPair(
                                p.text("key").orElse(""), p.text("cert").orElse("")))
                        .toList(),
                    t.texts("tlsconfigdir"))));
    return all;
  }

  private static Path path(String name, String text) {
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw new ConfigException(name + " is no path: " + e.getReason(), e);
    }
  }

  /** The flag's value, else the file's; the file's key counts as read either way. */
  private static <T> Optional<T> pick(DaemonFlags.Flag<T> flag, Optional<T> file) {
    return either(flag.value(), file);
  }

  private static <T> Optional<T> either(Optional<T> first, Optional<T> second) {
    return first.isPresent() ? first : second;
  }

  private static List<String> texts(
      DaemonFlags.Flag<List<String>> flag, List<String> file, String... defaults) {
    List<String> given = flag.value().orElse(file);
    return given.isEmpty() ? List.of(defaults) : given;
  }
}
