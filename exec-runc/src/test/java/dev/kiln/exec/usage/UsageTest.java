package dev.kiln.exec.usage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** the kernel's files as provenance tells them. */
class UsageTest {
  private static final Instant TIME = Instant.parse("2026-01-02T03:04:05.5Z");
  private static final String PRESSURE =
      "some avg10=0.00 avg60=1.50 avg300=0.07 total=42\nfull avg10=0.00 avg60=0.00 avg300=0.00"
          + " total=0\n";

  @TempDir Path folder;

  private void files(Map<String, String> texts) throws IOException {
    for (var text : texts.entrySet()) {
      Path file = folder.resolve(text.getKey());
      Files.createDirectories(file.getParent());
      Files.writeString(file, text.getValue());
    }
  }

  @Test
  void aCgroupWithAllControllers() throws Exception {
    files(
        Map.of(
            "cpu.stat",
            "usage_usec 7\nuser_usec 4\nsystem_usec 3\nnr_periods 2\nnr_throttled 1\n"
                + "throttled_usec 5\nnr_bursts 0\n",
            "cpu.pressure",
            PRESSURE,
            "memory.stat",
            "anon 4096\nfile 8192\nkernel 99\nkernel_stack 1\npgfault 12\n",
            "memory.swap.current",
            "0\n",
            "memory.peak",
            "20480\n",
            "memory.events",
            "low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\n",
            "io.stat",
            "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n8:16 rbytes=5 rios=1\n253:0 \n",
            "pids.current",
            "1\n"));
    assertThat(CgroupReading.json(folder, TIME))
        .isEqualTo(
            "{\"timestamp\":\"2026-01-02T03:04:05.500Z\","
                + "\"cpuStat\":{\"usageNanos\":7000,\"userNanos\":4000,\"systemNanos\":3000,"
                + "\"nrPeriods\":2,\"nrThrottled\":1,\"throttledNanos\":5000,\"pressure\":"
                + "{\"some\":{\"avg10\":0,\"avg60\":1.5,\"avg300\":0.07,\"total\":42},"
                + "\"full\":{\"avg10\":0,\"avg60\":0,\"avg300\":0,\"total\":0}}},"
                + "\"memoryStat\":{\"swapBytes\":0,\"anon\":4096,\"file\":8192,\"kernelStack\":1,"
                + "\"pgfault\":12,\"peak\":20480,\"maxEvents\":3,\"oomEvents\":1,"
                + "\"oomKillEvents\":1},"
                + "\"ioStat\":{\"readBytes\":15,\"writeBytes\":20,\"discardBytes\":0,"
                + "\"readIOs\":2,\"writeIOs\":2,\"discardIOs\":0},"
                + "\"pidsStat\":{\"current\":1}}");
  }

  @Test
  void aCgroupWithoutControllers() {
    assertThat(CgroupReading.json(folder, TIME))
        .isEqualTo("{\"timestamp\":\"2026-01-02T03:04:05.500Z\",\"pidsStat\":{}}");
  }

  @Test
  void theMachine() throws Exception {
    files(
        Map.of(
            "stat",
            "cpu  123 0 50 10000 7 0 1 0 0 0\ncpu0 1 2 3\nintr 5 0 1\nctxt 77\nbtime 1\n"
                + "processes 8\nprocs_running 2\nprocs_blocked 0\n",
            "meminfo",
            "MemTotal:       100 kB\nMemFree:  50 kB\nActive(anon):  1 kB\nActive:  9 kB\n",
            "pressure/cpu",
            "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n"));
    assertThat(SystemReading.json(folder, TIME))
        .isEqualTo(
            "{\"timestamp\":\"2026-01-02T03:04:05.500Z\","
                + "\"cpuStat\":{\"user\":1.23,\"nice\":0,\"system\":0.5,\"idle\":100,"
                + "\"iowait\":0.07,\"irq\":0,\"softirq\":0.01,\"steal\":0,\"guest\":0,"
                + "\"guestNice\":0},"
                + "\"procStat\":{\"contextSwitches\":77,\"processCreated\":8,"
                + "\"processesRunning\":2},"
                + "\"memoryStat\":{\"total\":100,\"free\":50,\"available\":null,\"buffers\":null,"
                + "\"cached\":null,\"active\":9,\"inactive\":null,\"swap\":null,\"dirty\":null,"
                + "\"writeback\":null,\"slab\":null},"
                + "\"cpuPressure\":{\"some\":{\"avg10\":0,\"avg60\":0,\"avg300\":0,\"total\":1},"
                + "\"full\":null}}");
  }

  @Test
  void longTimesAreToldInFewerSamples() {
    var samples = new Samples(TIME, 10);
    Instant at = TIME;
    for (int i = 0; i < 200; i++) {
      at = at.plus(samples.interval());
      samples.add(at, String.valueOf(i));
    }
    assertThat(samples.thinned()).hasSizeBetween(3, 20).startsWith("0");
    var few = new Samples(TIME, 10);
    for (int i = 1; i < 10; i++) {
      few.add(TIME.plusSeconds(2L * i), String.valueOf(i));
    }
    assertThat(few.thinned()).hasSize(9);
  }

  @Test
  void aShortStepIsReadOnceAtItsEnd() throws Exception {
    files(Map.of("pids.current", "3\n"));
    var measure = new StepMeasure(folder);
    measure.close();
    assertThat(measure.usage().json())
        .startsWith("{\"samples\":[{\"timestamp\":")
        .containsOnlyOnce("timestamp")
        .contains("\"pidsStat\":{\"current\":3}}],\"sysCPUStat\":{\"user\":");
  }

  @Test
  void aLongOneAlsoInBetween() throws Exception {
    var read = new CountDownLatch(1);
    try (var sampling =
        Sampling.start(
            10,
            at -> {
              read.countDown();
              return "{}";
            })) {
      read.await(); // nobody asked: the timer did
      assertThat(sampling.taken()).isEqualTo(List.of("{}", "{}"));
    }
  }
}
