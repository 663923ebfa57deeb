package dev.kiln.exec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.kiln.exec.ContainerSpec.HostEntry;
import dev.kiln.exec.ContainerSpec.NetworkMode;
import dev.kiln.exec.ContainerSpec.Security;
import dev.kiln.exec.ContainerSpec.Ulimit;
import dev.kiln.exec.cdi.CdiEdits;
import dev.kiln.model.BuildException;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Processes;
import dev.kiln.sys.Stat;
import dev.kiln.tracing.Blocking;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Against a real runc; needs root and a static busybox. */
@Tag("runc")
class RuncExecutorTest {
  private static final Path BUSYBOX = Path.of("/usr/bin/busybox");
  private static final List<String> ENV = List.of("PATH=/bin");

  @TempDir Path temp;
  private Path rootfs;
  private Path state;
  private RuncExecutor executor;
  private final Output output = new Output();

  /** Collects what a process writes. */
  private static final class Output {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    synchronized void add(byte[] more) {
      bytes.writeBytes(more);
    }

    synchronized String text() {
      return bytes.toString(StandardCharsets.UTF_8);
    }
  }

  @BeforeEach
  void start() throws IOException {
    Optional<Path> runc = RuncOptions.findRunc(System.getenv("PATH"));
    assumeThat(runc).isPresent();
    assumeThat(BUSYBOX).exists();
    assumeThat(Processes.effectiveUser()).isZero();
    rootfs = Files.createDirectories(temp.resolve("rootfs"));
    Files.createDirectories(rootfs.resolve("bin"));
    Files.copy(BUSYBOX, rootfs.resolve("bin/busybox"));
    for (String applet : List.of("sh", "cat", "id", "sleep", "stty", "ls", "mount", "hostname")) {
      Files.createSymbolicLink(rootfs.resolve("bin").resolve(applet), Path.of("busybox"));
    }
    state = temp.resolve("state");
    executor = new RuncExecutor(RuncOptions.of(state, runc.get()));
  }

  @AfterEach
  void nothingIsLeft() throws IOException {
    if (executor == null) {
      return;
    }
    executor.close();
    try (Stream<Path> bundles = Files.list(state.resolve("bundles"));
        Stream<Path> containers = Files.list(state.resolve("runc"));
        Stream<String> mounts = Files.lines(Path.of("/proc/self/mountinfo"))) {
      assertThat(bundles).isEmpty();
      assertThat(containers).isEmpty();
      assertThat(mounts).noneMatch(line -> line.contains(temp.toString()));
    }
  }

  private static ProcessSpec sh(String script) {
    return new ProcessSpec(List.of("/bin/sh", "-c", script), ENV, "", "", false);
  }

  private ContainerSpec container() {
    return ContainerSpec.of("c1", rootfs);
  }

  private int run(ContainerSpec container, ProcessSpec process) throws InterruptedException {
    return executor
        .run(container, process, ProcessIo.output(output::add, output::add), p -> {})
        .code();
  }

  @Test
  void exitCodeAndOutputComeBack() throws Exception {
    assertThat(run(container(), sh("echo out; echo err >&2; exit 7"))).isEqualTo(7);
    assertThat(output.text()).contains("out\n").contains("err\n");
  }

  @Test
  void mountPointsLeaveNoTraceInTheRootfs() throws Exception {
    Path etc = Files.createDirectories(rootfs.resolve("etc"));
    FileTime old = FileTime.from(Instant.ofEpochSecond(1_000_000_000));
    Files.setLastModifiedTime(etc, old);
    Path data = Files.createDirectories(temp.resolve("data"));
    Files.writeString(data.resolve("f"), "mounted");
    var spec =
        container()
            .withMounts(
                List.of(
                    new ContainerMount.Bind("/etc/data", data, "", true),
                    new ContainerMount.Tmpfs("/etc/mem", 1 << 20, false),
                    new ContainerMount.Bind("/etc/mem/deep/f", data, "f", true)));
    assertThat(run(spec, sh("cat /etc/hosts /etc/data/f /etc/mem/deep/f")))
        .as(output.text())
        .isZero();
    assertThat(output.text()).contains("buildkitsandbox").contains("mountedmounted");
    assertThat(etc).isEmptyDirectory();
    assertThat(Files.getLastModifiedTime(etc)).isEqualTo(old);
  }

  @Test
  void aMemoryFileSystemIsForEverybodyUnlessItCoversADirectory() throws Exception {
    Path own = Files.createDirectories(rootfs.resolve("own"));
    Files.setPosixFilePermissions(own, PosixFilePermissions.fromString("rwxr-x---"));
    var spec =
        container()
            .withMounts(
                List.of(
                    new ContainerMount.Tmpfs("/made/new", 1 << 20, false),
                    new ContainerMount.Tmpfs("/made/new/inner", 0, false),
                    new ContainerMount.Tmpfs("/own", 0, false)));
    assertThat(run(spec, sh("stat -c '%n=%a' /made/new /made/new/inner /own"))).isZero();
    assertThat(output.text())
        .contains("/made/new=1777\n")
        .contains("/made/new/inner=1777\n")
        .contains("/own=750\n");
    assertThat(rootfs.resolve("made/new")).doesNotExist();
  }

  @Test
  void whatTellsOfTheMachineIsMasked() throws Exception {
    assertThat(run(container(), sh("cat /proc/interrupts | wc -c"))).isZero();
    assertThat(output.text()).contains("0\n");
    Path processors = Files.createDirectories(temp.resolve("cpus"));
    Path hot = Files.createDirectories(processors.resolve("cpu3/thermal_throttle"));
    Files.createDirectories(processors.resolve("cpu4"));
    assertThat(RuntimeSpec.maskedPaths(processors))
        .contains("/proc/interrupts", hot.toString())
        .noneMatch(p -> p.contains("cpu4"));
    assertThat(RuntimeSpec.maskedPaths(temp.resolve("none"))).contains("/proc/kcore");
  }

  @Test
  @Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void accountsAreReadFromRegularFilesOnly() throws Exception {
    Files.createDirectories(rootfs.resolve("etc"));
    try (Fd etc = Fd.directory(rootfs.resolve("etc"))) {
      etc.mknod(BytePath.of("passwd"), Stat.S_IFIFO | 0666, Stat.Device.NONE);
      etc.mknod(BytePath.of("group"), Stat.S_IFCHR | 0666, new Stat.Device(1, 5));
    }
    for (String user : List.of("someone", "7", "")) { // runc itself would wait for it
      var process = new ProcessSpec(List.of("/bin/sh", "-c", "id -u"), ENV, "", user, false);
      assertThatThrownBy(() -> run(container(), process))
          .isInstanceOf(BuildException.class)
          .hasMessage("/etc/passwd of the container's root is a fifo: only a regular file is read");
    }
  }

  @Test
  void devicesBringNodesMountsAndVariables() throws Exception {
    Path host = Files.createDirectories(temp.resolve("driver"));
    Files.writeString(host.resolve("lib"), "the driver");
    var edits =
        new CdiEdits(
            List.of("PATH=/bin:/opt", "DEVICE=1"),
            List.of(
                new CdiEdits.Node(
                    "/dev/sink",
                    "/dev/null",
                    "",
                    Optional.empty(),
                    OptionalInt.of(0620),
                    "rw",
                    Optional.empty(),
                    Optional.of(7L))),
            List.of(
                new CdiEdits.HostMount(host.toString(), "/opt/driver", "", List.of("rbind", "ro"))),
            List.of(),
            Optional.empty(),
            List.of(44L));
    String script =
        "echo $PATH $DEVICE; ls -l /dev/sink; echo x > /dev/sink; cat /opt/driver/lib; id -G";
    assertThat(run(container().withDevices(edits), sh(script))).as(output.text()).isZero();
    assertThat(output.text())
        .contains("/bin:/opt 1\n")
        .containsPattern("crw--w---- +1 0 +7 +1, +3")
        .contains("the driver")
        .contains("44");
    assertThat(rootfs.resolve("opt/driver")).doesNotExist();
  }

  /** S-15: the socket, and the variables with which an SDK finds it and the step's span. */
  @Test
  void aProcessCanSendSpansOfItsOwn() throws Exception {
    executor.close();
    Path socket = temp.resolve("otel.sock");
    executor =
        new RuncExecutor(
            RuncOptions.of(state, RuncOptions.findRunc(System.getenv("PATH")).orElseThrow())
                .withTraceSocket(socket));
    var span =
        SpanContext.create(
            "0af7651916cd43dd8448eb211c80319c",
            "b7ad6b7169203331",
            TraceFlags.getSampled(),
            TraceState.builder().put("vendor", "1").build());
    var show =
        new ProcessSpec(
            List.of(
                "/bin/sh",
                "-c",
                "set; echo socket: /dev/*.sock; [ ! -e /dev/otel-grpc.sock ] || ls -l /dev/*.sock"),
            List.of("PATH=/bin", "OTEL_TRACES_EXPORTER=none"),
            "",
            "",
            false);
    try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(socket));
      try (var current = Span.wrap(span).makeCurrent()) {
        assertThat(run(container(), show)).as(output.text()).isZero();
      }
    }
    assertThat(output.text())
        .contains("OTEL_TRACES_EXPORTER='otlp'\n")
        .contains("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT='unix:///dev/otel-grpc.sock'\n")
        .contains("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL='grpc'\n")
        .contains("\nTRACEPARENT='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'\n")
        .contains("OTEL_TRACE_PARENT='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'\n")
        .contains("\nTRACESTATE='vendor=1'\n")
        .contains("OTEL_TRACE_STATE='vendor=1'\n")
        .containsPattern("\nsrw[^\n]+/dev/otel-grpc.sock\n");
    Files.delete(socket);
    assertThat(run(container(), show)).isZero();
    assertThat(output.text())
        .as("a step runs where nobody listens, and outside of a trace")
        .contains("socket: /dev/*.sock");
  }

  @Test
  void missingParentsOfMountPointsGoWhenAsked() throws Exception {
    Path data = Files.createDirectories(temp.resolve("data"));
    var spec = container().withMounts(List.of(new ContainerMount.Bind("/a/b/c", data, "", false)));
    assertThat(run(spec, sh("echo x > /a/b/c/written"))).as(output.text()).isZero();
    assertThat(rootfs.resolve("a/b")).isEmptyDirectory();
    assertThat(data.resolve("written")).hasContent("x");
    var recursive =
        new ContainerSpec(
            "c2",
            rootfs,
            false,
            List.of(new ContainerMount.Bind("/x/y/z", data, "", false)),
            NetworkMode.SANDBOX,
            Security.SANDBOX,
            "",
            List.of(),
            List.of(),
            Optional.empty(),
            true,
            false,
            CdiEdits.NONE);
    assertThat(run(recursive, sh("ls /x/y/z"))).isZero();
    assertThat(rootfs.resolve("x")).doesNotExist();
  }

  @Test
  void aSelectorCannotLeaveItsRoot() throws Exception {
    Path data = Files.createDirectories(temp.resolve("data/etc"));
    Files.writeString(data.resolve("hostname"), "inside");
    Files.createSymbolicLink(temp.resolve("data/link"), Path.of("/../../etc/hostname"));
    var spec =
        container()
            .withMounts(
                List.of(new ContainerMount.Bind("/f", temp.resolve("data"), "/link", true)));
    assertThat(run(spec, sh("cat /f"))).as(output.text()).isZero();
    assertThat(output.text()).isEqualTo("inside");
    var missing =
        container()
            .withMounts(
                List.of(new ContainerMount.Bind("/f", temp.resolve("data"), "nowhere", true)));
    assertThatThrownBy(() -> run(missing, sh("true")))
        .isInstanceOf(BuildException.class)
        .hasMessage("open nowhere: no such file or directory");
  }

  @Test
  void userHostnameHostsAndLimitsAreSet() throws Exception {
    Files.createDirectories(rootfs.resolve("etc"));
    Files.writeString(rootfs.resolve("etc/passwd"), "alice:x:1000:100::/:/bin/sh\n");
    Files.writeString(rootfs.resolve("etc/group"), "users:x:100:\ndev:x:7:alice\n");
    var spec =
        new ContainerSpec(
            "c1",
            rootfs,
            false,
            List.of(),
            NetworkMode.NONE,
            Security.SANDBOX,
            "box",
            List.of(new HostEntry("db", "10.0.0.2")),
            List.of(new Ulimit("nofile", 1062, 1062)),
            Optional.of("kiln-test"),
            false,
            false,
            CdiEdits.NONE);
    var process =
        new ProcessSpec(
            List.of("/bin/sh", "-c", "id; hostname; cat /etc/hosts; ulimit -n; pwd; ls -ldn ."),
            ENV,
            "/home/alice/work",
            "alice",
            false);
    assertThat(run(spec, process)).as(output.text()).isZero();
    assertThat(output.text())
        .contains("uid=1000(alice) gid=100(users) groups=7(dev),100(users)")
        .contains("box\n")
        .contains("10.0.0.2\tdb")
        .contains("1062\n/home/alice/work\n")
        .containsPattern("drwxr-xr-x +2 1000 +100 ");
  }

  @Test
  void theRootfsCanBeSeenReadOnly() throws Exception {
    var spec =
        new ContainerSpec(
            "c1",
            rootfs,
            true,
            List.of(),
            NetworkMode.SANDBOX,
            Security.SANDBOX,
            "",
            List.of(),
            List.of(),
            Optional.empty(),
            false,
            false,
            CdiEdits.NONE);
    assertThat(run(spec, sh("echo x > /f"))).isNotZero();
    assertThat(rootfs.resolve("f")).doesNotExist();
  }

  @Test
  void aSandboxHasLessThanAnInsecureStep() throws Exception {
    assertThat(run(container(), sh("mount -t tmpfs none /bin"))).isNotZero();
    assertThat(
            run(
                container().withSecurity(Security.INSECURE),
                sh("mount -t tmpfs none /bin && cat /proc/self/status")))
        .isNotEqualTo(1);
  }

  @Test
  void anInterruptKillsAndCleansUp() throws Exception {
    var started = new CountDownLatch(1);
    var task =
        Blocking.start(
            "run",
            () ->
                executor.run(
                    container(),
                    sh("trap '' TERM INT; echo up; while :; do sleep 100; done"),
                    ProcessIo.output(b -> started.countDown(), b -> {}),
                    p -> {}));
    started.await();
    task.interrupt();
    assertThatThrownBy(() -> task.done().toCompletableFuture().get())
        .isInstanceOf(ExecutionException.class)
        .hasCauseInstanceOf(InterruptedException.class);
  }

  @Test
  void furtherProcessesRunInTheContainer() throws Exception {
    var handle = new LinkedBlockingQueue<RunningProcess>();
    var main =
        Blocking.start(
            "run",
            () ->
                executor.run(
                    container(),
                    sh("sleep 100"),
                    ProcessIo.output(output::add, output::add),
                    handle::add));
    RunningProcess running = handle.take();
    var in = new ByteArrayInputStream("typed\n".getBytes(StandardCharsets.UTF_8));
    ExitStatus status =
        executor.exec(
            "c1",
            new ProcessSpec(
                List.of("/bin/sh", "-c", "cat; echo $PATH; exit 3"), List.of(), "", "", false),
            new ProcessIo(Optional.of(in), output::add, output::add),
            p -> {});
    assertThat(status.code()).isEqualTo(3);
    assertThat(output.text()).isEqualTo("typed\n/bin\n");
    running.signal(Signal.KILL);
    assertThat(main.done().toCompletableFuture().get().code()).isEqualTo(137);
    assertThatThrownBy(
            () -> executor.exec("c1", sh("true"), ProcessIo.output(b -> {}, b -> {}), p -> {}))
        .hasMessage("container c1 not found");
  }

  @Test
  @Timeout(60)
  void aTerminalHasASizeThatChanges() throws Exception {
    // runc passes input on before it has given the container's terminal its first size.
    String script = "read a; until [ \"$(stty size)\" = '33 77' ]; do :; done; stty size; exit 5";
    var process = new ProcessSpec(List.of("/bin/sh", "-c", script), ENV, "", "", true);
    var keys = new java.io.PipedOutputStream();
    var in = new java.io.PipedInputStream(keys);
    var code =
        executor.run(
            container(),
            process,
            new ProcessIo(Optional.of(in), output::add, ProcessIo.NOWHERE),
            p -> {
              p.resize(33, 77);
              try {
                keys.write('\n');
                keys.flush();
              } catch (IOException e) {
                throw new AssertionError(e);
              }
            });
    assertThat(code.code()).isEqualTo(5);
    assertThat(output.text()).contains("33 77");
  }

  @Test
  void aProgramThatIsNotThereIsTold() throws Exception {
    assertThat(run(container(), new ProcessSpec(List.of("/bin/nothere"), ENV, "", "", false)))
        .isNotZero();
    assertThat(output.text()).contains("/bin/nothere").contains("no such file or directory");
  }

  @Test
  void leftoversOfAKilledDaemonAreCleared() throws Exception {
    Path bundle = Files.createDirectories(state.resolve("bundles/old"));
    Files.writeString(bundle.resolve("config.json"), "{}");
    Files.writeString(bundle.resolve("cgroup"), "/buildkit/old");
    var second =
        new RuncExecutor(
            RuncOptions.of(state, RuncOptions.findRunc(System.getenv("PATH")).orElseThrow()));
    assertThat(bundle).doesNotExist();
    second.close();
  }
}
