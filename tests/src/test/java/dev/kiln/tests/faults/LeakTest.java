package dev.kiln.tests.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.tests.support.Buildctl;
import dev.kiln.tests.support.Clients;
import dev.kiln.tests.support.Collector;
import dev.kiln.tests.support.Distribution;
import dev.kiln.tests.support.Distribution.Run;
import dev.kiln.tests.support.Footprint;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** A daemon after many builds is the daemon that it was before them. */
class LeakTest {
  private static final int BUILDS = 200;
  private static final int AT_ONCE = 4;
  private static final long HEAP_SLACK = 4 << 20;

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path dir;

  @Test
  void twoHundredBuildsLeaveNothing() throws Exception {
    int port = Collector.freePort();
    try (var daemon = Distribution.start(dir, "--debugaddr", "127.0.0.1:" + port)) {
      Buildctl client = Buildctl.of(daemon);
      Path context =
          Buildctl.context(
              dir.resolve("context"),
              Buildctl.BASE
                  + "ARG NUMBER\nARG LONG\n"
                  + "RUN echo made-$NUMBER > /made; if [ -n \"$LONG\" ]; then"
                  + " echo running-$NUMBER; /bin/busybox sleep 60; fi\n");
      builds(client, context, 1000, BUILDS / 5); // classes, pools and caches are there afterwards
      Footprint before = settled(daemon, client, port);
      builds(client, context, 0, BUILDS);
      Footprint after = settled(daemon, client, port);
      System.out.printf("before %s%nafter  %s%n", before, after);
      assertThat(after.isIdle()).as("%s", after).isTrue();
      assertThat(after.descriptors()).as("descriptors").isLessThanOrEqualTo(before.descriptors());
      assertThat(after.threads()).as("threads").isLessThanOrEqualTo(before.threads() + 2);
      assertThat(after.heapBytes()).as("heap").isLessThan(before.heapBytes() + HEAP_SLACK);
      daemon.closeClean();
    }
  }

  /** What is held once everything has ended and what was built has been removed. */
  private static Footprint settled(Distribution daemon, Buildctl client, int port)
      throws Exception {
    var last = new ArrayList<Footprint>();
    Run prune = client.run("prune", "--all");
    assertThat(prune.code()).as(prune.output()).isZero();
    // Logs and traces of ended builds linger for some seconds; idle threads for a minute at most.
    Clients.eventually(
        Duration.ofSeconds(30),
        () -> {
          last.add(Footprint.of(daemon, port));
          int n = last.size();
          return last.getLast().isIdle()
              && n > 2
              && last.get(n - 1).descriptors() == last.get(n - 2).descriptors()
              && last.get(n - 1).descriptors() == last.get(n - 3).descriptors();
        },
        () -> last);
    return last.stream()
        .min(Comparator.comparingLong(Footprint::heapBytes))
        .map(least -> last.getLast().withHeap(least.heapBytes()))
        .orElseThrow();
  }

  private static void builds(Buildctl client, Path context, int first, int count) throws Exception {
    var works = new ArrayList<Callable<String>>();
    for (int i = first; i < first + count; i++) {
      int number = i;
      works.add(
          switch (i % 10) {
            case 3 -> () -> ended(client, context, number, false);
            case 7 -> () -> ended(client, context, number, true);
            default -> () -> whole(client, context, number);
          });
    }
    var failures = new ArrayList<String>();
    try (var pool = Executors.newFixedThreadPool(AT_ONCE)) {
      List<Future<String>> all = pool.invokeAll(works);
      for (Future<String> one : all) {
        failures.add(one.get());
      }
    }
    failures.removeIf(String::isEmpty);
    assertThat(failures).isEmpty();
  }

  private static String whole(Buildctl client, Path context, int number) throws Exception {
    Run run = Distribution.await(client.build(context, "--opt=build-arg:NUMBER=" + number).start());
    return run.code() == 0 ? "" : run.output();
  }

  /** Ends the client while its step runs: by a signal that it heeds, or by one that it cannot. */
  private static String ended(Buildctl client, Path context, int number, boolean killed)
      throws Exception {
    Process process =
        client
            .build(context, "--opt=build-arg:NUMBER=" + number, "--opt=build-arg:LONG=yes")
            .start();
    try (var output = Clients.readTo(process, "running-" + number)) {
      boolean told = // of a process, destroying would close its output too
          killed ? process.toHandle().destroyForcibly() : process.toHandle().destroy();
      assertThat(told).isTrue();
      while (output.readLine() != null) {
        continue;
      }
      return process.waitFor() == 0 ? "build " + number + " was not ended" : "";
    }
  }
}
