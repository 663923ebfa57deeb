package dev.kiln.exec.usage;

import dev.kiln.model.GoJson;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One sample of the machine's numbers. Sources: {@code proc_stat(5)}, {@code proc_meminfo(5)}; for
 * names and order, BuildKit v0.22.0, {@code executor/resources/types/systypes.go}.
 */
final class SystemReading {
  /** A hundredth of a second, on every architecture that Linux tells of. */
  private static final int TICK_DIGITS = 2;

  private static final List<String> CPU =
      List.of(
          "user",
          "nice",
          "system",
          "idle",
          "iowait",
          "irq",
          "softirq",
          "steal",
          "guest",
          "guestNice");
  private static final String[][] MEMORY = {
    {"MemTotal", "total"},
    {"MemFree", "free"},
    {"MemAvailable", "available"},
    {"Buffers", "buffers"},
    {"Cached", "cached"},
    {"Active", "active"},
    {"Inactive", "inactive"},
    {"SwapTotal", "swap"},
    {"Dirty", "dirty"},
    {"Writeback", "writeback"},
    {"Slab", "slab"}
  };

  private SystemReading() {}

  static String json(Path proc, Instant at) {
    List<String[]> lines = KernelFiles.lines(proc.resolve("stat")).orElse(List.of());
    Map<String, Long> stat = KernelFiles.flat(lines);
    Map<String, Long> memory = KernelFiles.flat(proc.resolve("meminfo")).orElse(Map.of());
    GoJson memoryJson = GoJson.object();
    for (String[] name : MEMORY) {
      memoryJson.raw(
          name[1], Optional.ofNullable(memory.get(name[0])).map(String::valueOf).orElse("null"));
    }
    Path pressure = proc.resolve("pressure");
    return GoJson.object()
        .text("timestamp", at.toString())
        .raw("cpuStat", cpu(ticks(lines.stream().findFirst())).toString())
        .raw(
            "procStat",
            GoJson.object()
                .number("contextSwitches", stat.getOrDefault("ctxt", 0L))
                .number("processCreated", stat.getOrDefault("processes", 0L))
                .number("processesRunning", stat.getOrDefault("procs_running", 0L))
                .toString())
        .raw("memoryStat", memoryJson.toString())
        .objectIfSet("cpuPressure", KernelFiles.pressure(pressure.resolve("cpu")))
        .objectIfSet("memoryPressure", KernelFiles.pressure(pressure.resolve("memory")))
        .objectIfSet("ioPressure", KernelFiles.pressure(pressure.resolve("io")))
        .toString();
  }

  /** How long all processors together did what, since the machine started. */
  static long[] cpuTicks(Path proc) {
    return ticks(KernelFiles.first(proc.resolve("stat")));
  }

  private static long[] ticks(Optional<String[]> all) {
    long[] ticks = new long[CPU.size()];
    all.ifPresent(words -> {
      for (int i = 0; i < ticks.length && i + 1 < words.length; i++) {
        ticks[i] = KernelFiles.number(words[i + 1]).orElse(0L);
      }
    });
    return ticks;
  }

  /** In seconds. */
  static GoJson cpu(long[] ticks) {
    GoJson json = GoJson.object();
    for (int i = 0; i < ticks.length; i++) {
      BigDecimal seconds = BigDecimal.valueOf(ticks[i], TICK_DIGITS);
      json.raw(CPU.get(i), seconds.stripTrailingZeros().toPlainString());
    }
    return json;
  }
}
