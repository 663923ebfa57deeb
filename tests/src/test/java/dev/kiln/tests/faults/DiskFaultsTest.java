package dev.kiln.tests.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.tests.support.Buildctl;
import dev.kiln.tests.support.Distribution;
import dev.kiln.tests.support.Distribution.Run;
import dev.kiln.tests.support.FaultyDisk;
import dev.kiln.tests.support.FaultyDisk.Errno;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
   */
  private record Place(String name, String operations, String path, boolean fails) {}

  private static final List<Place> PLACES =
      List.of(
          new Place("progress log, created", "c", "/progress/", false),
          new Place("progress log, written", "w", "/progress/", false),
          new Place("records, written", "w", "/records.db", true),
          new Place("cache keys, written", "w", "/cache.db", false),
          new Place("blob, created", "c", "/content/ingest/", true),
          new Place("blob, written", "w", "/content/ingest/", true),
          new Place("blob, renamed", "r", "/content/blobs/", true),
          new Place("snapshot, created", "c", "/snapshots/", true),
          new Place("snapshot, written", "w", "/snapshots/", true),
          new Place("checksums, created", "c", "/checksums/", false),
          new Place("checksums, written", "w", "/checksums/", false),
          new Place("checksums, renamed", "r", "/checksums/", false),
          new Place("history, written", "w", "/history.db", false),
          new Place("step's bundle, created", "c", "/executor/", true),
          new Place("step's bundle, written", "w", "/executor/", true));

  private final List<String> rows = new ArrayList<>();
  private final SoftAssertions all = new SoftAssertions();
  private int builds;

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
      all.assertAll();
      Run usage = client.run("du");
      assertThat(usage.code()).as(usage.output()).isZero();
      Run pruned = client.run("prune", "--all");
      assertThat(pruned.code()).as(pruned.output()).isZero();
      assertThat(build(client).code()).isZero();
    } finally {
      Path matrix = Path.of("target/disk-faults.md");
      Files.write(matrix, rows);
    }
    try (var again = Distribution.start(dir)) {
      assertThat(build(Buildctl.of(again)).code()).as(again.log()).isZero();
    }
  }

  private void row(Buildctl client, FaultyDisk disk, Place place, Errno errno) throws Exception {
    disk.fail(errno, place.operations(), place.path(), 0);
    Run told;
    int seen;
    try {
      told = build(client);
    } finally {
      seen = disk.seen();
      disk.work();
    }
    Run next = build(client);
    String answer =
        told.code() == 0 ? "built" : told.output().lines().toList().getLast().replace("|", "\\|");
    rows.add(
        "| %s | %s | %s | %s |"
            .formatted(
                place.name(),
                errno,
                answer.replace(dir.toString(), "…"),
                next.code() == 0 ? "built" : next.output().lines().toList().getLast()));
    String of = place.name() + " " + errno + ": ";
    all.assertThat(seen).as(of + "the place is reached").isPositive();
    all.assertThat(told.code() != 0).as(of + told.output()).isEqualTo(place.fails());
    if (place.fails()) {
      all.assertThat(answer)
          .as(of)
          .contains(place.path().split("\\.")[0]) // the thing is named
          .containsIgnoringCase(
              switch (errno) {
                case ENOSPC -> "no space left on device";
                case EIO -> "input/output error";
                case EDQUOT -> "quota";
              });
    }
    all.assertThat(next.code()).as(of + next.output()).isZero();
  }

  /** A build that goes by all of these places; another one each time. */
  private Run build(Buildctl client) throws Exception {
    builds++;
    Path context =
        Buildctl.context(
            dir.resolve("context"),
            Buildctl.BASE
                + "COPY number /\nRUN /bin/busybox seq 1 40000 && /bin/busybox cat /number\n");
    Files.writeString(context.resolve("number"), "build " + builds);
    return Distribution.await(client.build(context, "--output=type=oci,dest=/dev/null").start());
  }
}
