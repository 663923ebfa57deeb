package dev.kiln.control;

import dev.kiln.model.Platform;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * The platforms whose programs this machine runs: its own, with the feature levels of its
 * processor, and those that the kernel hands to an emulator (binfmt_misc). Probed again when older
 * than the given age; a negative age probes once. Any thread. The order is BuildKit's (v0.22 {@code
 * util/archutil/detect.go}).
 */
final class HostPlatforms {
  private static final List<String> ORDER =
      List.of(
          "arm64", "riscv64", "ppc64", "ppc64le", "s390x", "386", "mips64le", "mips64", "loong64");

  /** Names under which qemu's handlers are registered, by architecture. */
  private static final Map<String, String> QEMU =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry("amd64", "x86_64"),
              Map.entry("arm64", "aarch64"),
              Map.entry("riscv64", "riscv64"),
              Map.entry("ppc64", "ppc64"),
              Map.entry("ppc64le", "ppc64le"),
              Map.entry("s390x", "s390x"),
              Map.entry("386", "i386"),
              Map.entry("mips64le", "mips64el"),
              Map.entry("mips64", "mips64"),
              Map.entry("loong64", "loongarch64"),
              Map.entry("arm", "arm")));

  // Feature levels of the x86-64 psABI by flags of /proc/cpuinfo.
  private static final Set<String> V2 =
      Set.of("cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3");
  private static final Set<String> V3 =
      Set.of("avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe");
  private static final Set<String> V4 =
      Set.of("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl");

  private final Path proc;
  private final Duration maxAge;
  private final Clock clock;
  private Optional<Instant> probed = Optional.empty();
  private List<Platform> known = List.of();

  HostPlatforms(Path proc, Duration maxAge, Clock clock) {
    this.proc = proc;
    this.maxAge = maxAge;
    this.clock = clock;
  }

  /** The first is the machine's own. Reads a few files of {@code /proc}. */
  synchronized List<Platform> current() {
    Instant now = clock.instant();
    boolean fresh =
        probed.isPresent() && (maxAge.isNegative() || probed.get().plus(maxAge).isAfter(now));
    if (!fresh) {
      known = probe();
      probed = Optional.of(now);
    }
    return known;
  }

  private List<Platform> probe() {
    Platform own = Platform.host();
    var all = new ArrayList<Platform>();
    all.add(own);
    if (own.architecture().equals("amd64")) {
      levels().forEach(level -> all.add(new Platform("linux", "amd64", level)));
    } else if (emulated("amd64")) {
      all.add(new Platform("linux", "amd64", ""));
    }
    for (String architecture : ORDER) {
      boolean native32 = architecture.equals("386") && own.architecture().equals("amd64");
      if (!own.architecture().equals(architecture) && (native32 || emulated(architecture))) {
        all.add(new Platform("linux", architecture, ""));
      }
    }
    if (own.architecture().equals("arm")) {
      all.add(new Platform("linux", "arm", "v6"));
    } else if (emulated("arm") || own.architecture().equals("arm64")) {
      all.add(new Platform("linux", "arm", "v7"));
      all.add(new Platform("linux", "arm", "v6"));
    }
    return List.copyOf(all);
  }

  private List<String> levels() {
    Set<String> flags = new HashSet<>();
    try (var lines = Files.lines(proc.resolve("cpuinfo"), StandardCharsets.UTF_8)) {
      lines
          .filter(line -> line.startsWith("flags"))
          .findFirst()
          .ifPresent(line -> flags.addAll(Arrays.asList(line.split("\\s+"))));
    } catch (IOException e) {
      return List.of(); // without the file only the base level is certain
    }
    var levels = new ArrayList<String>();
    for (var level : List.of(Map.entry("v2", V2), Map.entry("v3", V3), Map.entry("v4", V4))) {
      if (!flags.containsAll(level.getValue())) {
        break;
      }
      levels.add(level.getKey());
    }
    return levels;
  }

  private boolean emulated(String architecture) {
    Path handler = proc.resolve("sys/fs/binfmt_misc/qemu-" + QEMU.get(architecture));
    try {
      return Files.exists(handler)
          && Files.readString(handler, StandardCharsets.UTF_8).startsWith("enabled");
    } catch (IOException e) {
      return false;
    }
  }
}
