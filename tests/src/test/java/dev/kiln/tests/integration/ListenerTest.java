package dev.kiln.tests.integration;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kiln.tests.support.Buildctl;
import dev.kiln.tests.support.Clients;
import dev.kiln.tests.support.Collector;
import dev.kiln.tests.support.Distribution;
import dev.kiln.tests.support.Distribution.Run;
import dev.kiln.tests.support.Footprint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** How a daemon is reached and started: TLS, systemd, the debug address, limits of its start. */
class ListenerTest {
  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path dir;

  private static void sh(Path folder, String script) throws Exception {
    Run run =
        Distribution.await(
            new ProcessBuilder("sh", "-ec", script)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start());
    assertThat(run.code()).as(run.output()).isZero();
  }

  /** An authority, a certificate of this host, one of a client, and a client's of nobody's. */
  private Path certificates() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/openssl")), "skipped: no openssl");
    Path folder = Files.createDirectories(dir.resolve("tls"));
    sh(
        folder,
        """
        ca() { openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$1" -keyout $1.key -out $1.crt; }
        leaf() {
          openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout $1.key -out $1.csr
          printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\\n' >$1.ext
          openssl x509 -req -in $1.csr -CA $2.crt -CAkey $2.key -CAcreateserial -days 2 -extfile $1.ext -out $1.crt
        }
        ca authority; ca stranger
        leaf server authority; leaf client authority; leaf intruder stranger
        """);
    return folder;
  }

  @Test
  void tlsListensBesideTheSocketAndKeepsStrangersOut() throws Exception {
    Path tls = certificates();
    int port = Collector.freePort();
    String address = "tcp://127.0.0.1:" + port;
    try (var daemon =
        Distribution.start(
            dir,
            "--addr",
            "unix://" + dir.resolve("sock"),
            "--addr",
            address,
            "--tlscert=" + tls.resolve("server.crt"),
            "--tlskey=" + tls.resolve("server.key"),
            "--tlscacert=" + tls.resolve("authority.crt"))) {
      Run known = over(tls, address, "client").run("debug", "workers");
      assertThat(known.code()).as(known.output()).isZero();
      Path context =
          Buildctl.context(dir.resolve("context"), Buildctl.BASE + "RUN echo over TLS\n");
      Run build = Distribution.await(over(tls, address, "client").build(context).start());
      assertThat(build.code()).as(build.output()).isZero();

      Run stranger = over(tls, address, "intruder").run("debug", "workers");
      assertThat(stranger.code()).isNotZero();
      Run nameless =
          Buildctl.at(address, "--tlscacert=" + tls.resolve("authority.crt"))
              .run("debug", "workers");
      assertThat(nameless.code()).as("without a certificate").isNotZero();
      Run plain = Buildctl.at(address, "--timeout=2").run("debug", "workers");
      assertThat(plain.code()).as("without TLS").isNotZero();
      assertThat(Buildctl.of(daemon).run("debug", "workers").code()).isZero();
      daemon.closeClean();
    }
  }

  private static Buildctl over(Path tls, String address, String who) throws Exception {
    return Buildctl.at(
        address,
        "--tlscacert=" + tls.resolve("authority.crt"),
        "--tlscert=" + tls.resolve(who + ".crt"),
        "--tlskey=" + tls.resolve(who + ".key"));
  }

  /** Does what systemd does for a service with a socket, and prints what the service tells it. */
  private static final String SYSTEMD =
      """
      import os, socket, sys, threading
      listener = socket.socket(socket.AF_UNIX)
      listener.bind(sys.argv[1])
      listener.listen(64)
      notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
      notify.bind(sys.argv[2])
      pid = os.fork()
      if pid == 0:
          os.dup2(listener.fileno(), 3)
          os.set_inheritable(3, True)
          os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()), NOTIFY_SOCKET=sys.argv[2])
          os.execv(sys.argv[3], sys.argv[3:])
      listener.close()
      print('pid', pid, flush=True)
      def told():
          while True:
              print(notify.recv(4096).decode(), flush=True)
      threading.Thread(target=told, daemon=True).start()
      print('ended', os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
      """;

  @Test
  void systemdHandsTheSocketOverAndIsToldOfStartAndStop() throws Exception {
    Path script = Files.writeString(dir.resolve("systemd.py"), SYSTEMD);
    ProcessBuilder daemon = Distribution.prepare(dir, "--addr", "fd://");
    var command =
        new ArrayList<>(
            List.of(
                "python3",
                script.toString(),
                dir.resolve("sock").toString(),
                dir.resolve("notify").toString()));
    command.addAll(daemon.command());
    Path told = dir.resolve("told");
    Process systemd =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(told.toFile()).start();
    try {
      Clients.eventually(
          Duration.ofSeconds(60),
          () -> Files.exists(told) && Files.readString(told).contains("READY=1"),
          () -> "not ready");
      Buildctl client = Buildctl.at("unix://" + dir.resolve("sock"));
      Path context = Buildctl.context(dir.resolve("context"), Buildctl.BASE + "RUN echo handed\n");
      Run build = Distribution.await(client.build(context).start());
      assertThat(build.code()).as(build.output()).isZero();
      long pid = Long.parseLong(Files.readAllLines(told).getFirst().replaceAll("\\D", ""));
      assertThat(ProcessHandle.of(pid).orElseThrow().destroy()).isTrue();
      assertThat(systemd.waitFor()).isZero();
      assertThat(dir.resolve("sock")).as("systemd's socket").exists();
      assertThat(Files.readAllLines(told))
          .containsSubsequence("READY=1", "STOPPING=1")
          .contains("ended 1"); // as buildkitd after a signal
    } finally {
      systemd.descendants().forEach(ProcessHandle::destroyForcibly);
      systemd.destroyForcibly();
    }
  }

  @Test
  void theDebugAddressAnswers() throws Exception {
    int port = Collector.freePort();
    try (var daemon = Distribution.start(dir, "--debugaddr", "127.0.0.1:" + port);
        HttpClient http = HttpClient.newHttpClient()) {
      assertThat(Buildctl.of(daemon).run("debug", "workers").code()).isZero(); // it serves
      Map<String, String> expected =
          Map.of(
              "/metrics", "# TYPE jvm_memory_heap_used_bytes gauge",
              "/debug/vars", "\"jvm_threads\": ",
              "/debug/gc", "",
              "/debug/pprof/goroutine", "Thread[");
      for (var each : expected.entrySet()) {
        var answer = get(http, port, each.getKey());
        assertThat(answer.statusCode()).as(each.getKey()).isEqualTo(200);
        assertThat(answer.body()).as(each.getKey()).contains(each.getValue());
      }
      assertThat(get(http, port, "/debug/pprof/heap").statusCode()).isEqualTo(404);
    }
  }

  @Test
  void theDebugAddressMayBeAUnixSocketThatTheEnvironmentNames() throws Exception {
    Path socket = dir.resolve("debug.sock");
    var environment = Map.of("BUILDKITD_DEBUGADDR", "unix://" + socket);
    try (var daemon = Distribution.start(dir, environment)) {
      try (var channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
        String request = "GET /debug/vars HTTP/1.1\r\nHost: debug\r\nConnection: close\r\n\r\n";
        channel.write(ByteBuffer.wrap(request.getBytes(UTF_8)));
        String answer = new String(Channels.newInputStream(channel).readAllBytes(), UTF_8);
        assertThat(answer).startsWith("HTTP/1.1 200 OK").contains("\"jvm_threads\": ");
      }
      assertThat(Files.getPosixFilePermissions(socket))
          .isEqualTo(PosixFilePermissions.fromString("rw-rw----"));
      daemon.closeClean();
      assertThat(socket).doesNotExist();
    }
  }

  @Test
  void nobodyElseReachesTheStateOrTakesASocketsPlace() throws Exception {
    Path sockets = dir.resolve("run/kiln");
    Path root = Files.createDirectory(dir.resolve("root"));
    Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwxrwxrwx"));
    String address = "unix://" + sockets.resolve("sock");
    String[] flags = {"--addr", "unix://" + dir.resolve("sock"), "--addr", address};
    // A warm-up would remove its folder while the state is looked through.
    try (var daemon = Distribution.start(dir, Map.of("KILN_WARM_UP", "off"), flags)) {
      Path context = Files.createDirectory(dir.resolve("context"));
      Files.writeString(context.resolve("Dockerfile"), "FROM scratch\nCOPY . /\n");
      Run run = Distribution.await(Distribution.client(address, context));
      assertThat(run.code()).as(run.output()).isZero();
      assertThat(daemon.log()).contains("anybody could write to " + root);
      assertThat(mode(root)).isEqualTo("rwx------");
      try (var state = Files.list(daemon.state())) {
        assertThat(state.map(ListenerTest::mode))
            .hasSizeGreaterThan(4)
            .allMatch(mode -> mode.endsWith("------"));
      }
      assertThat(mode(sockets)).isEqualTo("rwxrwx---");
      assertThat(mode(dir.resolve("run"))).isEqualTo("rwxrwx---");
      daemon.closeClean();
    }
  }

  @Test
  void aStateThatCannotBeMadeEndsTheStart() throws Exception {
    Path root = dir.resolve("root");
    Files.createDirectories(root.resolve("kiln"));
    Files.writeString(dir.resolve("worker.toml"), "snapshotter = \"native\"\n");
    Files.createFile(root.resolve("kiln/runc-native"));
    Process daemon = Distribution.prepare(dir).start();
    try {
      assertThat(daemon.waitFor(60, TimeUnit.SECONDS)).as("the daemon ends").isTrue();
    } finally {
      daemon.destroyForcibly();
    }
    assertThat(daemon.exitValue()).isEqualTo(1);
    assertThat(Files.readString(dir.resolve("daemon.log")))
        .contains("buildkitd: ")
        .contains(root.resolve("kiln/runc-native").toString());
  }

  /** ADR 0009: what is rehearsed before the first build is gone when it comes. */
  @Test
  void aWarmUpLeavesNothing() throws Exception {
    int port = Collector.freePort();
    String[] flags = {"--debugaddr", "127.0.0.1:" + port};
    Path rehearsed = dir.resolve("root/kiln/warm-up");
    try (var daemon = Distribution.start(dir, flags)) {
      Clients.eventually(
          Duration.ofSeconds(60),
          () -> Files.exists(rehearsed.resolve("root")),
          () -> "no warm-up");
      daemon.crash();
    }
    assertThat(mode(rehearsed)).isEqualTo("rwx------");
    int cold;
    try (var daemon = Distribution.start(dir, Map.of("KILN_WARM_UP", "off"), flags)) {
      assertThat(Buildctl.of(daemon).run("du").output()).containsPattern("Total:\\s+0B");
      assertThat(rehearsed).doesNotExist();
      cold = Footprint.of(daemon, port).descriptors();
      daemon.closeClean();
      assertThat(daemon.log()).doesNotContain("warmed up");
    }
    try (var daemon = Distribution.start(dir, flags)) {
      Clients.eventually(
          Duration.ofSeconds(60),
          () -> daemon.log().contains("warmed up in "),
          () -> "not warmed up");
      assertThat(rehearsed).doesNotExist();
      Buildctl client = Buildctl.of(daemon);
      assertThat(client.run("du").output()).containsPattern("Total:\\s+0B");
      assertThat(client.run("debug", "histories").output().lines()).hasSize(1);
      assertThat(daemon.log().lines())
          .filteredOn(line -> !line.contains("install runc")) // what this machine lacks
          .noneMatch(line -> line.contains("level=warn") || line.contains("level=error"));
      Clients.eventually(
          Duration.ofSeconds(20),
          () -> {
            Footprint warm = Footprint.of(daemon, port);
            return warm.isIdle() && warm.descriptors() <= cold;
          },
          () -> "more than " + cold + " descriptors");
      daemon.closeClean();
    }
  }

  /** ADR 0010. */
  @Test
  void compilersStepBackExceptForLongBuilds() throws Exception {
    assumeTrue(mayLowerNiceness(), "skipped: no CAP_SYS_NICE");
    try (var daemon = Distribution.start(dir)) {
      Buildctl client = Buildctl.of(daemon);
      awaitNiceness(daemon, all -> all.contains("10"));
      Path context =
          Buildctl.context(dir.resolve("context"), Buildctl.BASE + "RUN /bin/busybox sleep 60\n");
      Process build = client.build(context).start();
      awaitNiceness(daemon, all -> !all.contains("10"));
      build.destroy();
      assertThat(build.waitFor(30, TimeUnit.SECONDS)).as("the client ends").isTrue();
      awaitNiceness(daemon, all -> all.contains("10"));
      daemon.closeClean();
    }
  }

  /** Bit 23 of the effective capabilities (capabilities(7)). */
  private static boolean mayLowerNiceness() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("CapEff:"))
        .map(line -> new BigInteger(line.substring("CapEff:".length()).strip(), 16))
        .anyMatch(capabilities -> capabilities.testBit(23));
  }

  private static void awaitNiceness(Distribution daemon, Predicate<Set<String>> wanted)
      throws Exception {
    Clients.eventually(
        Duration.ofSeconds(60),
        () -> wanted.test(niceness(daemon)),
        () -> "compilers have another niceness");
  }

  /** Of the compilers' threads; the 19th field of proc_pid_stat(5), the 17th after the name. */
  private static Set<String> niceness(Distribution daemon) throws IOException {
    var all = new HashSet<String>();
    try (var threads = Files.newDirectoryStream(Path.of("/proc/" + daemon.pid() + "/task"))) {
      for (Path thread : threads) {
        String stat;
        try {
          stat = Files.readString(thread.resolve("stat"));
        } catch (IOException gone) {
          continue;
        }
        if (stat.contains("(C1 Compiler") || stat.contains("(C2 Compiler")) {
          all.add(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[16]);
        }
      }
    }
    return all;
  }

  private static String mode(Path file) {
    try {
      return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static HttpResponse<String> get(HttpClient http, int port, String path) throws Exception {
    return http.send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  @Test
  void stepsHaveTheOpenFilesLimitsOfTheLaunch() throws Exception {
    ProcessBuilder plain = Distribution.prepare(dir);
    var command =
        new ArrayList<>(
            List.of("sh", "-c", "ulimit -Sn 777 && ulimit -Hn 9000 && exec \"$@\"", "sh"));
    command.addAll(plain.command());
    try (var daemon = Distribution.await(dir, plain.command(command).start())) {
      Path context =
          Buildctl.context(
              dir.resolve("context"),
              Buildctl.BASE + "RUN echo \"soft=$(ulimit -Sn) hard=$(ulimit -Hn)\"\n");
      Run build = Distribution.await(Buildctl.of(daemon).build(context).start());
      assertThat(build.code()).as(build.output()).isZero();
      assertThat(build.output()).contains("soft=777 hard=9000");
      Run own =
          Distribution.await(
              Buildctl.of(daemon).build(context, "--opt=ulimit=nofile=55:66").start());
      assertThat(own.code()).as(own.output()).isZero();
      assertThat(own.output()).contains("soft=55 hard=66");
      daemon.closeClean();
    }
  }
}
