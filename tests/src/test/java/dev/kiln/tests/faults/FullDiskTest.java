package dev.kiln.tests.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.kiln.grpc.control.SolveRequest;
import dev.kiln.grpc.control.SolveResponse;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.pb.FileAction;
import dev.kiln.grpc.pb.FileActionMkFile;
import dev.kiln.grpc.pb.FileOp;
import dev.kiln.grpc.pb.Input;
import dev.kiln.grpc.pb.MergeInput;
import dev.kiln.grpc.pb.MergeOp;
import dev.kiln.grpc.pb.Op;
import dev.kiln.grpc.pb.OpMetadata;
import dev.kiln.model.Digest;
import dev.kiln.tests.support.Buildctl;
import dev.kiln.tests.support.Clients;
import dev.kiln.tests.support.Collector;
import dev.kiln.tests.support.Distribution;
import dev.kiln.tests.support.Distribution.Run;
import dev.kiln.tests.support.Footprint;
import dev.kiln.tests.support.WireClient;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** A daemon whose disk fills up says so, and works again once there is room. */
class FullDiskTest {
  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path dir;

  @BeforeEach
  void mount() throws Exception {
    Path root = Files.createDirectories(dir.resolve("root"));
    command("mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", root.toString());
  }

  @AfterEach
  void unmount() throws Exception {
    command("umount", dir.resolve("root").toString());
  }

  private static void command(String... words) throws Exception {
    Run run = Distribution.await(new ProcessBuilder(words).redirectErrorStream(true).start());
    assertThat(run.code()).as(run.output()).isZero();
  }

  @Test
  void whatFindsNoRoomFailsAndTheNextBuildWorks() throws Exception {
    int port = Collector.freePort();
    try (var daemon = Distribution.start(dir, "--debugaddr", "127.0.0.1:" + port)) {
      Buildctl client = Buildctl.of(daemon);
      Path small = Buildctl.context(dir.resolve("small"), Buildctl.BASE + "RUN echo small\n");
      assertSucceeds(client, small);

      Path sent = Buildctl.context(dir.resolve("sent"), Buildctl.BASE + "COPY large /\n");
      try (var large = new RandomAccessFile(sent.resolve("large").toFile(), "rw")) {
        large.setLength(64 << 20);
      }
      Run full = Distribution.await(client.build(sent).start());
      assertThat(full.code()).isNotZero();
      assertThat(full.output().lines().toList().getLast())
          .containsIgnoringCase("no space left on device");

      Path written =
          Buildctl.context(
              dir.resolve("written"),
              Buildctl.BASE + "RUN /bin/busybox dd if=/dev/zero of=/large bs=1M count=64\n");
      Run inStep = Distribution.await(client.build(written).start());
      assertThat(inStep.code()).isNotZero();
      assertThat(inStep.output()).containsIgnoringCase("no space left on device");

      command("mount", "-o", "remount,size=256m", daemon.root().toString());
      assertSucceeds(client, small);
      Clients.eventually(
          Duration.ofSeconds(20),
          () -> {
            Footprint now = Footprint.of(daemon, port);
            return now.containers() == 0
                && now.cgroups() == 0
                && now.processes() == 0
                && now.mounts() == 1; // the disk itself
          },
          () -> "something is left");
    }
  }

  /**
   * The graph's progress alone is more than memory keeps. What a build would need is there: only
   * the disk is full to the last page.
   */
  @Test
  void graphOfHundredsOfVerticesIsAnsweredAndRecordsAreWrittenAgain() throws Exception {
    command("mount", "-o", "remount,size=96m", dir.resolve("root").toString());
    String[] flags = {"--oci-worker-gc=false"};
    try (var daemon = Distribution.start(dir, Map.of("KILN_WARM_UP", "off"), flags);
        var wire = new WireClient(daemon)) {
      Buildctl client = Buildctl.of(daemon);
      solve(wire, wide(300, "room"));
      Path filler = daemon.root().resolve("filler");
      fill(filler);
      for (int i = 0; i < 2; i++) {
        SolveRequest.Builder graph = wide(300, "full" + i);
        assertThatThrownBy(() -> solve(wire, graph))
            .isInstanceOfSatisfying(
                StatusRuntimeException.class,
                e ->
                    assertThat(e.getStatus().getCode())
                        .as(e.getMessage())
                        .isEqualTo(Status.Code.RESOURCE_EXHAUSTED))
            .hasMessageContainingAll("space left on device");
      }
      Run usage = client.run("du");
      assertThat(usage.code()).as(usage.output()).isZero();
      Run pruned = client.run("prune", "--all");
      assertThat(pruned.code()).as("prune makes room: %s", pruned.output()).isZero();
      fill(filler);
      assertThatThrownBy(() -> solve(wire, wide(2, "still full")))
          .isInstanceOf(StatusRuntimeException.class);
      Files.delete(filler);
      for (int i = 0; i < 3; i++) {
        solve(wire, wide(3, "room again " + i));
        Run again = client.run("prune", "--all");
        assertThat(again.code()).as(again.output()).isZero();
      }
      assertThat(daemon.log().lines().filter(l -> l.contains("records.db cannot be written")))
          .as("no flood")
          .hasSizeLessThan(3);
    }
    try (var daemon = Distribution.start(dir, Map.of("KILN_WARM_UP", "off"), flags);
        var wire = new WireClient(daemon)) {
      solve(wire, wide(300, "after a restart"));
    }
  }

  private static void fill(Path filler) throws IOException {
    for (int size : new int[] {1 << 20, 1 << 12}) {
      try (var out =
          Files.newOutputStream(filler, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
        while (true) {
          out.write(new byte[size]);
        }
      } catch (IOException full) {
        continue; // as much as went in
      }
    }
  }

  /** So many files merged into one tree; each with a name that makes its progress long. */
  private static SolveRequest.Builder wide(int files, String salt) {
    var definition = Definition.newBuilder();
    var merge = Op.newBuilder();
    var inputs = MergeOp.newBuilder();
    for (int i = 0; i < files; i++) {
      Op file =
          Op.newBuilder()
              .setFile(
                  FileOp.newBuilder()
                      .addActions(
                          FileAction.newBuilder()
                              .setInput(-1)
                              .setSecondaryInput(-1)
                              .setMkfile(
                                  FileActionMkFile.newBuilder()
                                      .setPath("/f" + i)
                                      .setMode(0644)
                                      .setTimestamp(-1)
                                      .setData(ByteString.copyFromUtf8(salt)))))
              .build();
      String digest = Digest.of(file.toByteArray()).value();
      definition
          .addDef(file.toByteString())
          .putMetadata(
              digest,
              OpMetadata.newBuilder()
                  .putDescription("llb.customname", "step " + i + " " + "n".repeat(200))
                  .build());
      merge.addInputs(Input.newBuilder().setDigest(digest));
      inputs.addInputs(MergeInput.newBuilder().setInput(i));
    }
    Op merged = merge.setMerge(inputs).build();
    String digest = Digest.of(merged.toByteArray()).value();
    definition
        .addDef(merged.toByteString())
        .putMetadata(digest, OpMetadata.getDefaultInstance())
        .addDef(
            Op.newBuilder().addInputs(Input.newBuilder().setDigest(digest)).build().toByteString());
    return SolveRequest.newBuilder().setDefinition(definition);
  }

  private static SolveResponse solve(WireClient wire, SolveRequest.Builder request) {
    return wire.call(
        "moby.buildkit.v1.Control/Solve",
        request.setRef(UUID.randomUUID().toString()).build(),
        SolveRequest.getDefaultInstance(),
        SolveResponse.getDefaultInstance());
  }

  private static void assertSucceeds(Buildctl client, Path context) throws Exception {
    Run run = Distribution.await(client.build(context).start());
    assertThat(run.code()).as(run.output()).isZero();
  }
}
