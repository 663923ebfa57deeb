package dev.kiln.dockerfile.context;

import com.fasterxml.jackson.databind.JsonNode;
import dev.kiln.dockerfile.lint.LintOptions;
import dev.kiln.dockerfile.text.CsvLine;
import dev.kiln.dockerfile.text.GoText;
import dev.kiln.grpc.pb.HostIP;
import dev.kiln.grpc.pb.NetMode;
import dev.kiln.grpc.pb.Ulimit;
import dev.kiln.llb.CacheImport;
import dev.kiln.model.BuildException;
import dev.kiln.model.EpochSeconds;
import dev.kiln.model.GoBool;
import dev.kiln.model.Json;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the client asked of the Dockerfile frontend (features F-10 to F-41), read and checked.
 * Immutable; absent texts are empty.
 *
 * @param noCache stages to build anew: absent for none, empty for all
 * @param lint absent where the file decides
 * @param platforms the targets; empty for the one of the daemon and the images
 * @param multiPlatform the result is a map by platform
 */
public record FrontendOptions(
    SortedMap<String, String> buildArguments,
    String cacheNamespace,
    String cgroupParent,
    Optional<Instant> epoch,
    List<HostIP> hosts,
    String hostname,
    String resolveMode,
    SortedMap<String, String> labels,
    NetMode network,
    long shmBytes,
    String target,
    List<Ulimit> limits,
    Optional<LintOptions> lint,
    List<CacheImport> cacheImports,
    List<Platform> platforms,
    boolean multiPlatform,
    Optional<AskedAttestations.SbomScanner> sbom,
    Optional<List<String>> noCache) {
  private static final List<String> LIMITS =
      List.of(
          "core",
          "cpu",
          "data",
          "fsize",
          "locks",
          "memlock",
          "msgqueue",
          "nice",
          "nofile",
          "nproc",
          "rss",
          "rtprio",
          "rttime",
          "sigpending",
          "stack");

  /**
   * @throws BuildException {@code INVALID}, naming the option
   */
  public static FrontendOptions parse(Map<String, String> opts) {
    refuseRemoved(opts);
    String platformList = opts.getOrDefault("platform", "");
    List<Platform> platforms =
        platformList.isEmpty()
            ? List.of()
            : Arrays.stream(platformList.split(",", -1)).map(FrontendOptions::platform).toList();
    String hostname = opts.getOrDefault("build-arg:BUILDKIT_SANDBOX_HOSTNAME", "");
    return new FrontendOptions(
        withPrefix(opts, "build-arg:"),
        opts.getOrDefault("build-arg:BUILDKIT_CACHE_MOUNT_NS", ""),
        opts.getOrDefault("cgroup-parent", ""),
        epoch(opts.getOrDefault("build-arg:SOURCE_DATE_EPOCH", "")),
        wrapped("failed to parse additional hosts", opts, "add-hosts", FrontendOptions::hosts),
        hostname.isEmpty() ? opts.getOrDefault("hostname", "") : hostname,
        resolveMode(opts.getOrDefault("image-resolve-mode", "")),
        withPrefix(opts, "label:"),
        network(opts.getOrDefault("force-network-mode", "")),
        wrapped("failed to parse shm size", opts, "shm-size", FrontendOptions::bytes),
        opts.getOrDefault("target", ""),
        wrapped("failed to parse ulimit", opts, "ulimit", FrontendOptions::limits),
        lint(opts),
        cacheImports(opts),
        platforms,
        multiPlatform(opts, platforms.size() > 1),
        AskedAttestations.parse(opts).sbom(),
        noCache(opts));
  }

  /** Whether a stage of that name is to be built anew. */
  public boolean ignoresCache(String stage) {
    return noCache
        .map(names -> names.isEmpty() || names.stream().anyMatch(stage::equalsIgnoreCase))
        .orElse(false);
  }

  private static void refuseRemoved(Map<String, String> opts) {
    if (!opts.getOrDefault("override-copy-image", "").isEmpty()) {
      throw invalid("support for \"override-copy-image\" was removed in BuildKit 0.11");
    }
    String noFileOp = opts.getOrDefault("build-arg:BUILDKIT_DISABLE_FILEOP", "");
    if (GoBool.isTrue(noFileOp)) {
      throw invalid(
          "support for \"BUILDKIT_DISABLE_FILEOP\" build-arg was removed in BuildKit 0.11");
    }
  }

  private static <T> T wrapped(
      String context,
      Map<String, String> opts,
      String key,
      java.util.function.Function<String, T> parse) {
    try {
      return parse.apply(opts.getOrDefault(key, ""));
    } catch (BuildException e) {
      throw e.wrap(context);
    }
  }

  private static Platform platform(String text) {
    try {
      return Platform.parse(text);
    } catch (BuildException e) {
      throw e.wrap("failed to parse target platform " + text);
    }
  }

  private static SortedMap<String, String> withPrefix(Map<String, String> opts, String prefix) {
    var found = new TreeMap<String, String>();
    opts.forEach((key, value) -> {
      if (key.startsWith(prefix)) {
        found.put(key.substring(prefix.length()), value);
      }
    });
    return found;
  }

  private static Optional<Instant> epoch(String text) {
    if (text.isEmpty()) {
      return Optional.empty();
    }
    try {
      return Optional.of(
          EpochSeconds.instant(GoText.parseInt(text, 10, 64))
              .orElseThrow(() -> invalid("it is no time from 1677 to 2262")));
    } catch (BuildException e) {
      throw e.wrap("invalid SOURCE_DATE_EPOCH: " + text);
    }
  }

  private static List<HostIP> hosts(String list) {
    var hosts = new ArrayList<HostIP>();
    for (String field : list.isEmpty() ? List.<String>of() : CsvLine.fields(list)) {
      String lower = field.toLowerCase(Locale.ROOT);
      int equals = lower.indexOf('=');
      if (equals < 0) {
        throw invalid("invalid key-value pair " + field);
      }
      String ip = lower.substring(equals + 1);
      hosts.add(
          HostIP.newBuilder()
              .setHost(lower.substring(0, equals))
              .setIP(IpText.canonical(ip).orElseThrow(() -> invalid("failed to parse IP " + ip)))
              .build());
    }
    return hosts;
  }

  private static long bytes(String text) {
    return text.isEmpty() ? 0 : GoText.parseInt(text, 10, 64);
  }

  private static List<Ulimit> limits(String list) {
    var limits = new ArrayList<Ulimit>();
    for (String field : list.isEmpty() ? List.<String>of() : CsvLine.fields(list)) {
      int equals = field.indexOf('=');
      if (equals < 0) {
        throw invalid("invalid ulimit argument: " + field);
      }
      String name = field.substring(0, equals);
      if (!LIMITS.contains(name)) {
        throw invalid("invalid ulimit type: " + name);
      }
      String value = field.substring(equals + 1);
      String[] parts = value.split(":", -1);
      if (parts.length > 2) {
        throw invalid(
            "too many limit value arguments - "
                + value
                + ", can only have up to two, `soft[:hard]`");
      }
      long hard = GoText.parseInt(parts[parts.length - 1], 10, 64);
      long soft = GoText.parseInt(parts[0], 10, 64);
      if (hard != -1 && (soft == -1 || soft > hard)) {
        throw invalid(
            "ulimit soft limit must be less than or equal to hard limit: "
                + (soft == -1 ? "soft: -1 (unlimited), hard: " + hard : soft + " > " + hard));
      }
      limits.add(Ulimit.newBuilder().setName(name).setSoft(soft).setHard(hard).build());
    }
    return limits;
  }

  private static String resolveMode(String text) {
    return switch (text) {
      case "", "default" -> "default";
      case "pull", "local" -> text;
      default -> throw invalid("invalid image-resolve-mode: " + text);
    };
  }

  private static NetMode network(String text) {
    return switch (text) {
      case "", "sandbox" -> NetMode.UNSET;
      case "none" -> NetMode.NONE;
      case "host" -> NetMode.HOST;
      default -> throw invalid("invalid netmode " + text);
    };
  }

  private static Optional<LintOptions> lint(Map<String, String> opts) {
    String key = "build-arg:BUILDKIT_DOCKERFILE_CHECK";
    return opts.containsKey(key)
        ? Optional.of(wrapped("failed to parse " + key, opts, key, LintOptions::parse))
        : Optional.empty();
  }

  private static Optional<List<String>> noCache(Map<String, String> opts) {
    if (!opts.containsKey("no-cache")) {
      return Optional.empty();
    }
    String names = opts.getOrDefault("no-cache", "");
    return Optional.of(names.isEmpty() ? List.of() : List.of(names.split(",", -1)));
  }

  private static boolean multiPlatform(Map<String, String> opts, boolean several) {
    String argument = opts.getOrDefault("build-arg:BUILDKIT_MULTI_PLATFORM", "");
    String text = argument.isEmpty() ? opts.getOrDefault("multi-platform", "") : argument;
    if (text.isEmpty()) {
      return several;
    }
    boolean asked =
        GoBool.parse(text)
            .orElseThrow(() -> invalid("invalid boolean value for multi-platform: " + text));
    if (!asked && several) {
      throw invalid("conflicting config: returning multiple target platforms is not allowed");
    }
    return asked;
  }

  private static List<CacheImport> cacheImports(Map<String, String> opts) {
    var imports = new ArrayList<CacheImport>();
    String json = opts.getOrDefault("cache-imports", "");
    if (!json.isEmpty()) {
      try {
        for (JsonNode entry : Json.parse(json)) {
          var attrs = new LinkedHashMap<String, String>();
          entry
              .path("Attrs")
              .properties()
              .forEach(e -> attrs.put(e.getKey(), e.getValue().asText()));
          imports.add(new CacheImport(entry.path("Type").asText(), attrs));
        }
      } catch (Json.Malformed e) {
        // Neither the text nor what the parser says of it: it may hold secrets.
        throw invalid("failed to unmarshal cache-imports: no JSON at column " + e.column());
      }
    }
    String refs = opts.getOrDefault("cache-from", "");
    if (!refs.isEmpty()) {
      for (String ref : refs.split(",", -1)) {
        imports.add(new CacheImport("registry", Map.of("ref", ref)));
      }
    }
    return imports;
  }

  private static BuildException invalid(String message) {
    return new BuildException(Kind.INVALID, message);
  }
}
