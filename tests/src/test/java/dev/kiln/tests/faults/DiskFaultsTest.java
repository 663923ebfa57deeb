package dev.kiln.tests.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.grpc.control.UpdateBuildHistoryRequest;
import dev.kiln.grpc.control.UpdateBuildHistoryResponse;
import dev.kiln.tests.support.Buildctl;
import dev.kiln.tests.support.Distribution;
import dev.kiln.tests.support.Distribution.Run;
import dev.kiln.tests.support.FaultyDisk;
import dev.kiln.tests.support.FaultyDisk.Errno;
import dev.kiln.tests.support.WireClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * The disk fails at each place where the daemon writes: each client is answered with the reason or
 * with its result, and once the disk works again so is the next one, without a restart.
 */
class DiskFaultsTest {
  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path dir;

  /**
   * A place where the daemon writes.
   *
   * @param operations that fail, as {@link FaultyDisk#fail} has them
   * @param path a part of the paths there
   * @param fails whether a build fails for it
   * @param work the build that goes by there
   */
  private record Place(String name, String operations, String path, boolean fails, Work work) {
    Place(String name, String operations, String path, boolean fails) {
      this(name, operations, path, fails, Work.ANEW);
    }
  }

  private enum Work {
    /** All steps run, and an archive is exported. */
    ANEW("type=oci,dest=/dev/null"),

    /**
     * All steps come from the cache, and nothing is exported: only the build's record is written.
     */
    CACHED(""),

    /** All comes from the cache but for the last step. */
    LAST_STEP(""),

    /** All steps run, and the cache is exported to the client. */
    EXPORTED_CACHE(""),

    /** All steps and layers come from the cache: only what describes the image is written. */
    DESCRIBED("type=oci,dest=/dev/null,annotation.number=%d");

    private final String output;

    Work(String output) {
      this.output = output;
    }
  }

  private static final List<Place> PLACES =
      List.of(
          new Place("progress log, created", "c", "/progress/", false),
          new Place("progress log, written", "w", "/progress/", false),
          new Place("records, written", "w", "/records.db", true),
          new Place("records, synced", "s", "/records.db", true),
          new Place("cache keys, written", "w", "/cache.db", false),
          new Place("cache keys, synced", "s", "/cache.db", false),
          new Place("blob, created", "c", "/content/ingest/", true),
          new Place("blob, written", "w", "/content/ingest/", true),
          new Place("blob, renamed", "r", "/content/blobs/", true),
          new Place("snapshot, created", "c", "/snapshots/", true),
          new Place("snapshot, written", "w", "/snapshots/", true),
          new Place("snapshot of a COPY, created", "c", "/copied", true),
          new Place("snapshot of a COPY, written", "w", "/copied", true),
          new Place("upper directory of a RUN, created", "c", "/work", true, Work.LAST_STEP),
          new Place(
              "mount points of a RUN, created", "c", "/etc/resolv.conf", true, Work.LAST_STEP),
          new Place("snapshot of a RUN, committed", "w", "/records.db", true, Work.LAST_STEP),
          new Place("cache export, layers", "w", "/content/ingest/", true, Work.EXPORTED_CACHE),
          new Place("build's record, written", "w", "/content/", true, Work.CACHED),
          new Place("provenance and manifest, written", "w", "/content/", true, Work.DESCRIBED),
          new Place("checksums, created", "c", "/checksums/", false),
          new Place("checksums, written", "w", "/checksums/", false),
          new Place("checksums, renamed", "r", "/checksums/", false),
          new Place("history, written", "w", "/history.db", false),
          new Place("history, synced", "s", "/history.db", false),
          new Place("step's bundle, created", "c", "/executor/", true),
          new Place("step's bundle, written", "w", "/executor/", true));

  private final List<String> rows = new ArrayList<>();
  private final SoftAssertions all = new SoftAssertions();
  private int number;
  private int annotations;
  private int lastStep;

  @Test
  void eachClientIsAnsweredAndSoIsTheNextOne() throws Exception {
    FaultyDisk disk = FaultyDisk.in(dir);
    try (var daemon = Distribution.start(dir, disk.environment())) {
      Buildctl client = Buildctl.of(daemon);
      assertThat(build(client).code()).as(daemon.log()).isZero();
      for (Place place : PLACES) {
        row(client, disk, place, Errno.ENOSPC);
        row(client, disk, place, Errno.EIO);
        if (place.fails() && place.operations().equals("w")) {
          row(client, disk, place, Errno.EDQUOT);
        }
      }
      for (Errno errno : List.of(Errno.ENOSPC, Errno.EIO)) {
        ownWrite(client, errno);
        trace(daemon, client, disk, errno);
      }
      all.assertAll();
      Run usage = client.run("du");
      assertThat(usage.code()).as(usage.output()).isZero();
      Run pruned = client.run("prune", "--all");
      assertThat(pruned.code()).as(pruned.output()).isZero();
      assertThat(build(client).code()).isZero();
      stop(daemon, disk, Errno.EIO);
    } finally {
      Path matrix = Path.of("target/disk-faults.md");
      Files.write(matrix, rows);
    }
    try (var again = Distribution.start(dir, disk.environment())) {
      assertThat(build(Buildctl.of(again)).code()).as(again.log()).isZero();
      stop(again, disk, Errno.ENOSPC);
    }
    try (var again = Distribution.start(dir)) {
      assertThat(build(Buildctl.of(again), Work.CACHED).output()).contains("CACHED");
    }
  }

  /** What a step writes fails in the kernel, where no part of the daemon is. */
  private void ownWrite(Buildctl client, Errno errno) throws Exception {
    String device = errno == Errno.EIO ? "/proc/self/mem" : "/dev/full"; // whose writes fail so
    Path context =
        Buildctl.context(
            dir.resolve("own"),
            Buildctl.BASE + "RUN /bin/busybox dd if=/bin/busybox bs=1 count=1 of=" + device + "\n");
    Run told = Distribution.await(client.build(context).start());
    String of = "a step's own write " + errno + ": ";
    all.assertThat(told.code()).as(of).isNotZero();
    all.assertThat(told.output()).as(of).containsIgnoringCase(errno.words());
    answered("a step's own write", errno, told, build(client, Work.CACHED));
  }

  /** The trace is written after the client has its answer: only the log can tell. */
  private void trace(Distribution daemon, Buildctl client, FaultyDisk disk, Errno errno)
      throws Exception {
    Path ref = dir.resolve("ref");
    Run told = build(client, Work.CACHED, "--ref-file=" + ref);
    disk.fail(errno, "w", "/content/ingest/", 0);
    try (var wire = new WireClient(daemon)) {
      wire.call(
          "moby.buildkit.v1.Control/UpdateBuildHistory",
          UpdateBuildHistoryRequest.newBuilder()
              .setRef(Files.readString(ref).strip())
              .setFinalize(true)
              .build(),
          UpdateBuildHistoryRequest.getDefaultInstance(),
          UpdateBuildHistoryResponse.getDefaultInstance());
    } finally {
      disk.work();
    }
    String of = "trace " + errno + ": ";
    all.assertThat(disk.seen()).as(of + "the place is reached").isPositive();
    all.assertThat(daemon.log().lines().filter(l -> l.contains("is not kept")).toList().getLast())
        .as(of)
        .contains(Files.readString(ref).strip());
    answered("trace, written", errno, told, build(client, Work.CACHED));
  }

  /** A stop ends all the same, and what was built is there afterwards. */
  private void stop(Distribution daemon, FaultyDisk disk, Errno errno) throws Exception {
    disk.fail(errno, "s", "/root/kiln", 0);
    try {
      daemon.close();
    } finally {
      disk.work();
    }
    assertThat(disk.seen()).as("the place is reached").isPositive();
    assertThat(daemon.isAlive()).isFalse();
    assertThat(daemon.log()).contains("the store was not synced");
    rows.add("| stop: state, synced | %s | (logged) | started |".formatted(errno));
  }

  /** SQLite syncs its log when it begins it anew, which it does after a checkpoint. */
  private void checkpoint(String database) throws Exception {
    try (var files = Files.walk(dir.resolve("root/kiln"), 2)) {
      Path file = files.filter(f -> f.toString().endsWith(database)).findFirst().orElseThrow();
      try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
          Statement statement = connection.createStatement()) {
        statement.execute("PRAGMA wal_checkpoint(RESTART)");
      }
    }
  }

  private static final List<Place> AT_THE_START =
      List.of(
          new Place("start: socket, bound", "b", "/sock", true),
          new Place("start: socket for spans, bound", "b", "/otel.sock", true),
          new Place("start: state folder, created", "c", "/root/kiln", true),
          new Place("start: records, created", "c", "/records.db", true),
          new Place("start: records, written", "w", "/records.db", true),
          new Place("start: cache keys, created", "c", "/cache.db", true),
          new Place("start: cache keys, written", "w", "/cache.db", true),
          new Place("start: history, written", "w", "/history.db", true),
          new Place("start: content, created", "c", "/content", true),
          new Place("start: snapshots, created", "c", "/snapshots", true));

  @Test
  void aStartThatCannotWriteEndsAndSaysWhat() throws Exception {
    FaultyDisk disk = FaultyDisk.in(dir);
    for (Place place : AT_THE_START) {
      start(disk, place, Errno.ENOSPC);
      if (place.operations().equals("w")) {
        start(disk, place, Errno.EIO);
      }
    }
    Files.write(Path.of("target/disk-faults-start.md"), rows);
    all.assertAll();
  }

  private void start(FaultyDisk disk, Place place, Errno errno) throws Exception {
    Path folder = Files.createTempDirectory(dir, "start");
    disk.fail(errno, place.operations(), place.path(), 0);
    ProcessBuilder command = Distribution.prepare(folder);
    command.environment().putAll(disk.environment());
    String of = place.name() + " " + errno + ": ";
    Process process = command.start();
    String answer;
    try {
      all.assertThat(process.waitFor(30, TimeUnit.SECONDS)).as(of + "it ends").isTrue();
      answer = Files.readString(folder.resolve("daemon.log")).lines().toList().getLast();
      all.assertThat(disk.seen()).as(of + "the place is reached").isPositive();
      all.assertThat(answer)
          .as(of)
          .contains(place.path().split("\\.")[0]) // the thing is named
          .containsIgnoringCase(errno.words());
    } finally {
      process.destroyForcibly().waitFor();
      disk.work();
    }
    all.assertThat(process.exitValue()).as(of).isPositive();
    try (var again = Distribution.start(folder)) {
      rows.add(
          "| %s | %s | %s | started |"
              .formatted(
                  place.name(), errno, answer.replace(folder.toString(), "…").replace("|", "\\|")));
    }
  }

  private void row(Buildctl client, FaultyDisk disk, Place place, Errno errno) throws Exception {
    if (place.operations().equals("s")) {
      checkpoint(place.path());
    }
    disk.fail(errno, place.operations(), place.path(), 0);
    Run told;
    int seen;
    try {
      told = build(client, place.work());
    } finally {
      seen = disk.seen();
      disk.work();
    }
    Run next = build(client);
    String answer = answered(place.name(), errno, told, next);
    String of = place.name() + " " + errno + ": ";
    all.assertThat(seen).as(of + "the place is reached").isPositive();
    all.assertThat(told.code() != 0).as(of + told.output()).isEqualTo(place.fails());
    if (place.fails()) {
      all.assertThat(answer)
          .as(of)
          .contains(place.path().split("\\.")[0]) // the thing is named
          .containsIgnoringCase(errno.words());
    }
  }

  /** Adds a row; the last line that the client printed, or that it has its result. */
  private String answered(String place, Errno errno, Run told, Run next) {
    String answer =
        told.code() == 0 ? "built" : told.output().lines().toList().getLast().replace("|", "\\|");
    rows.add(
        "| %s | %s | %s | %s |"
            .formatted(
                place,
                errno,
                answer.replace(dir.toString(), "…"),
                next.code() == 0 ? "built" : next.output().lines().toList().getLast()));
    all.assertThat(next.code()).as(place + " " + errno + ": " + next.output()).isZero();
    return answer;
  }

  /** A build that goes by all of these places; another one each time. */
  private Run build(Buildctl client) throws Exception {
    return build(client, Work.ANEW);
  }

  private Run build(Buildctl client, Work work, String... more) throws Exception {
    switch (work) {
      case ANEW, EXPORTED_CACHE -> number++;
      case LAST_STEP -> lastStep++;
      case CACHED, DESCRIBED -> {}
    }
    Path context =
        Buildctl.context(
            dir.resolve("context"),
            Buildctl.BASE
                + "COPY number /copied\n"
                + "RUN : "
                + lastStep
                + "; /bin/busybox seq 1 40000 && /bin/busybox cat /copied\n");
    Files.writeString(context.resolve("number"), "build " + number);
    var flags = new ArrayList<>(List.of("--opt=attest:provenance=mode=max"));
    if (!work.output.isEmpty()) {
      flags.add("--output=" + work.output.formatted(annotations++));
    }
    if (work == Work.EXPORTED_CACHE) {
      flags.add("--export-cache=type=local,mode=max,dest=" + dir.resolve("cache"));
    }
    flags.addAll(List.of(more));
    return Distribution.await(client.build(context, flags.toArray(String[]::new)).start());
  }
}
