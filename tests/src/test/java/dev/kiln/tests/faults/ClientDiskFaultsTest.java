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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** The disk of a client fails where its result goes: it says where and why, and no more happens. */
class ClientDiskFaultsTest {
  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path dir;

  /**
   * @param operations that fail, as {@link FaultyDisk#fail} has them
   * @param path a part of the paths there
   * @param flag what the client is given, with {@code %s} for the folder where all this is
   */
  private record Place(String name, String operations, String path, String flag) {}

  private static final List<Place> PLACES =
      List.of(
          new Place("local, created", "c", "/tree/", "--output=type=local,dest=%s/tree"),
          new Place("local, written", "w", "/tree/", "--output=type=local,dest=%s/tree"),
          new Place("archive, written", "w", "out.tar", "--output=type=tar,dest=%s/out.tar"),
          new Place("archive, renamed", "r", "/out.tar", "--output=type=oci,dest=%s/out.tar"),
          new Place("cache, written", "w", "/ingest/", "--cache-to=type=local,dest=%s/cache"),
          new Place("cache, synced", "s", "/ingest/", "--cache-to=type=local,dest=%s/cache"),
          new Place("cache, renamed", "r", "/blobs/", "--cache-to=type=local,dest=%s/cache"));

  private final List<String> rows = new ArrayList<>();
  private final SoftAssertions all = new SoftAssertions();
  private Distribution daemon;
  private Path context;

  @BeforeEach
  void start() throws Exception {
    daemon = Distribution.start(dir);
    context = Buildctl.context(dir.resolve("context"), Buildctl.BASE);
  }

  @AfterEach
  void stop() throws Exception {
    daemon.closeClean();
  }

  @Test
  void kilnBuildNamesTheFlagAndTheReason() throws Exception {
    FaultyDisk disk = FaultyDisk.in(dir);
    for (Place place : PLACES) {
      for (Errno errno : List.of(Errno.ENOSPC, Errno.EIO)) {
        disk.fail(errno, place.operations(), place.path(), 0);
        Run told;
        try {
          var command =
              Distribution.buildCommand(
                  context, "--addr", daemon.address(), place.flag().formatted(dir));
          command.environment().putAll(disk.environment());
          told = Distribution.await(command.start());
        } finally {
          disk.work();
        }
        all.assertThat(disk.seen()).as(place + ": the place is reached").isPositive();
        row("kiln build, " + place.name(), errno, told, place.flag().split("=", 2)[0]);
      }
    }
    row("kiln build, full device", Errno.ENOSPC, kiln("--output=type=tar,dest=/dev/full"), "dest");
    finish("disk-faults-kiln.md");
  }

  private Run kiln(String... flags) throws Exception {
    return Distribution.await(daemon.build(context, flags));
  }

  @Test
  void buildctlIsToldByItsOwnSession() throws Exception {
    Path full = Files.createDirectory(dir.resolve("full"));
    mount("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", full.toString());
    try {
      buildctl("local", Errno.ENOSPC, "--output=type=local,dest=" + full);
      buildctl("oci, blob by blob", Errno.ENOSPC, "--output=type=oci,tar=false,dest=" + full);
      buildctl("cache", Errno.ENOSPC, "--export-cache=type=local,dest=" + full);
      buildctl("archive", Errno.ENOSPC, "--output=type=tar,dest=/dev/full");
      buildctl("archive", Errno.EIO, "--output=type=tar,dest=/proc/self/mem"); // takes no byte
    } finally {
      mount("umount", full.toString());
    }
    finish("disk-faults-buildctl.md");
  }

  private void buildctl(String name, Errno errno, String flag) throws Exception {
    Run told = Distribution.await(Buildctl.of(daemon).build(context, flag).start());
    row("buildctl, " + name, errno, told, "");
  }

  private static void mount(String... words) throws Exception {
    Run run = Distribution.await(new ProcessBuilder(words).redirectErrorStream(true).start());
    assertThat(run.code()).as(run.output()).isZero();
  }

  /** Adds a row, after a build beside it. */
  private void row(String place, Errno errno, Run told, String named) throws Exception {
    String answer = told.output().lines().toList().getLast();
    Run next = Distribution.await(Buildctl.of(daemon).build(context).start());
    rows.add(
        "| %s | %s | %s | %s |"
            .formatted(
                place,
                errno,
                answer.replace(dir.toString(), "…").replace("|", "\\|"),
                next.code() == 0 ? "built" : next.output().lines().toList().getLast()));
    String of = place + " " + errno + ": " + told.output();
    all.assertThat(told.code()).as(of).isNotZero();
    all.assertThat(answer).as(of).contains(named).containsIgnoringCase(errno.words());
    all.assertThat(next.code()).as(next.output()).isZero();
  }

  private void finish(String matrix) throws Exception {
    Files.write(Path.of("target", matrix), rows);
    all.assertAll();
  }
}
