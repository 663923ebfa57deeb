package dev.kiln.exec.usage;

import dev.kiln.model.GoJson;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One sample of a cgroup's numbers. Sources: Linux, {@code
 * Documentation/admin-guide/cgroup-v2.rst}; for names and order, BuildKit v0.22.0, {@code
 * executor/resources/types/types.go}.
 */
final class CgroupReading {
  /** Of the kernel, and of provenance. */
  private record Name(String of, String told) {}

  private static final List<Name> CPU =
      List.of(
          new Name("usage_usec", "usageNanos"),
          new Name("user_usec", "userNanos"),
          new Name("system_usec", "systemNanos"),
          new Name("nr_periods", "nrPeriods"),
          new Name("nr_throttled", "nrThrottled"),
          new Name("throttled_usec", "throttledNanos"));
  private static final List<Name> MEMORY =
      List.of(
          new Name("anon", "anon"),
          new Name("file", "file"),
          new Name("kernel_stack", "kernelStack"),
          new Name("pagetables", "pageTables"),
          new Name("sock", "sock"),
          new Name("shmem", "shmem"),
          new Name("file_mapped", "fileMapped"),
          new Name("file_dirty", "fileDirty"),
          new Name("file_writeback", "fileWriteback"),
          new Name("slab", "slab"),
          new Name("pgscan", "pgscan"),
          new Name("pgsteal", "pgsteal"),
          new Name("pgfault", "pgfault"),
          new Name("pgmajfault", "pgmajfault"));
  private static final List<Name> MEMORY_EVENTS =
      List.of(
          new Name("low", "lowEvents"),
          new Name("high", "highEvents"),
          new Name("max", "maxEvents"),
          new Name("oom", "oomEvents"),
          new Name("oom_kill", "oomKillEvents"));
  private static final List<Name> IO =
      List.of(
          new Name("rbytes", "readBytes"),
          new Name("wbytes", "writeBytes"),
          new Name("dbytes", "discardBytes"),
          new Name("rios", "readIOs"),
          new Name("wios", "writeIOs"),
          new Name("dios", "discardIOs"));

  private CgroupReading() {}

  static String json(Path cgroup, Instant at) {
    GoJson pids = GoJson.object();
    only(cgroup.resolve("pids.current")).ifPresent(n -> pids.number("current", n));
    return GoJson.object()
        .text("timestamp", at.toString())
        .objectIfSet("cpuStat", cpu(cgroup))
        .objectIfSet("memoryStat", memory(cgroup))
        .objectIfSet("ioStat", io(cgroup))
        .raw("pidsStat", pids.toString())
        .toString();
  }

  private static Optional<GoJson> cpu(Path cgroup) {
    return KernelFiles.flat(cgroup.resolve("cpu.stat"))
        .map(stat -> {
          stat.replaceAll((key, value) -> key.endsWith("_usec") ? value * 1000 : value);
          return told(GoJson.object(), CPU, stat)
              .objectIfSet("pressure", KernelFiles.pressure(cgroup.resolve("cpu.pressure")));
        });
  }

  private static Optional<GoJson> memory(Path cgroup) {
    return KernelFiles.flat(cgroup.resolve("memory.stat"))
        .map(stat -> {
          GoJson json = GoJson.object();
          only(cgroup.resolve("memory.swap.current")).ifPresent(n -> json.number("swapBytes", n));
          told(json, MEMORY, stat);
          only(cgroup.resolve("memory.peak")).ifPresent(n -> json.number("peak", n));
          Map<String, Long> events =
              KernelFiles.flat(cgroup.resolve("memory.events")).orElse(Map.of());
          MEMORY_EVENTS.forEach(
              name -> json.numberIfSet(name.told(), events.getOrDefault(name.of(), 0L)));
          return json.objectIfSet(
              "pressure", KernelFiles.pressure(cgroup.resolve("memory.pressure")));
        });
  }

  /** All devices together. */
  private static Optional<GoJson> io(Path cgroup) {
    return KernelFiles.lines(cgroup.resolve("io.stat"))
        .map(lines -> {
          Map<String, Long> sums = new HashMap<>();
          for (String[] words : lines) {
            for (String word : words) {
              int at = word.indexOf('=');
              if (at > 0) {
                KernelFiles.number(word.substring(at + 1))
                    .ifPresent(n -> sums.merge(word.substring(0, at), n, Long::sum));
              }
            }
          }
          return told(GoJson.object(), IO, sums)
              .objectIfSet("pressure", KernelFiles.pressure(cgroup.resolve("io.pressure")));
        });
  }

  private static GoJson told(GoJson json, List<Name> names, Map<String, Long> values) {
    for (Name name : names) {
      Optional.ofNullable(values.get(name.of())).ifPresent(n -> json.number(name.told(), n));
    }
    return json;
  }

  private static Optional<Long> only(Path file) {
    return KernelFiles.first(file).flatMap(words -> KernelFiles.number(words[0]));
  }
}
