package dev.kiln.tests.integration;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.kiln.tests.support.Buildctl;
import dev.kiln.tests.support.Clients;
import dev.kiln.tests.support.Distribution;
import dev.kiln.tests.support.Distribution.Run;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** Networks of steps by the standard CNI plugins, on a bridge and a subnet of the test's own. */
class NetworkTest {
  private static final Path PLUGINS = Path.of("/usr/lib/cni");
  private static final Path INTERFACES = Path.of("/sys/class/net");
  private static final Path LEASES = Path.of("/var/lib/cni/networks");

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path dir;

  private final int number = ThreadLocalRandom.current().nextInt(1, 255);
  private final String bridge = "kilntest" + number;
  private final String prefix = "10.213." + number + ".";
  private final Set<String> interfacesBefore = names(INTERFACES);

  @BeforeEach
  void plugins() {
    assertThat(PLUGINS.resolve("bridge"))
        .as("the standard plugins: apt-get install containernetworking-plugins iptables")
        .isExecutable();
  }

  /** The firewall plugin leaves the rules that part bridges from each other. */
  @AfterEach
  void removeRulesOfTheBridge() throws Exception {
    String script = "iptables -S | grep -w %s | sed 's/^-A/-D/' | xargs -r -L1 iptables";
    assertThat(new ProcessBuilder("sh", "-c", script.formatted(bridge)).start().waitFor()).isZero();
  }

  private Distribution daemon(String... more) throws IOException {
    Files.writeString(
        dir.resolve("worker.toml"),
        "bridgeName = \"%s\"\nbridgeSubnet = \"%s0/24\"\ncniBinaryPath = \"%s\"\n"
            .formatted(bridge, prefix, PLUGINS));
    return Distribution.start(dir, more);
  }

  private Distribution bridged() throws IOException {
    return daemon(
        "--oci-worker-net=bridge",
        "--oci-cni-pool-size=2",
        "--allow-insecure-entitlement=network.host");
  }

  private Process build(Distribution daemon, String name, String steps, String... more)
      throws IOException {
    Path context =
        Buildctl.context(
            dir.resolve(name),
            Buildctl.BASE
                + "RUN /bin/busybox mkdir /out\n"
                + steps
                + "\nFROM scratch\nCOPY --from=base /out /\n");
    var args =
        Stream.concat(
            Stream.of("--output", "type=local,dest=" + dir.resolve(name + "-out")),
            Stream.of(more));
    return daemon.build(context, args.toArray(String[]::new));
  }

  private String told(String name, String file) throws IOException {
    return Files.readString(dir.resolve(name + "-out").resolve(file)).strip();
  }

  private static void succeeds(Process client) throws Exception {
    Run run = Distribution.await(client);
    assertThat(run.code()).as(run.output()).isZero();
  }

  /** Answers on the bridge's address; a request waits until {@code gate} opens. */
  private record Host(
      HttpServer server, ExecutorService threads, LinkedBlockingQueue<String> callers)
      implements AutoCloseable {
    static Host start(String address, CountDownLatch gate) throws IOException {
      var callers = new LinkedBlockingQueue<String>();
      var threads = Executors.newVirtualThreadPerTaskExecutor();
      HttpServer server = HttpServer.create(new InetSocketAddress(address, 0), 0);
      server.setExecutor(threads);
      server.createContext(
          "/",
          exchange -> {
            callers.add(exchange.getRemoteAddress().getAddress().getHostAddress());
            try {
              gate.await();
            } catch (InterruptedException e) {
              throw new IOException(e);
            }
            byte[] answer = "hello".getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
          });
      server.start();
      return new Host(server, threads, callers);
    }

    String fetch() {
      return "/bin/busybox wget -q -O - http://"
          + server.getAddress().getHostString()
          + ":"
          + server.getAddress().getPort()
          + "/";
    }

    @Override
    public void close() {
      server.stop(0);
      threads.shutdownNow();
    }
  }

  @Test
  void stepsOnABridge() throws Exception {
    Distribution daemon = bridged();
    try {
      succeeds(
          build(
              daemon,
              "modes",
              """
              RUN /bin/busybox ls /sys/class/net > /out/default; /bin/busybox ip -o -4 addr show dev eth0 > /out/address; /bin/busybox ip route > /out/route; /bin/busybox ip -o addr show dev lo > /out/lo
              RUN --network=none /bin/busybox ls /sys/class/net > /out/none
              RUN --network=host /bin/busybox ls /sys/class/net > /out/host
              """,
              "--allow=network.host"));
      assertThat(told("modes", "default").lines()).containsExactly("eth0", "lo");
      assertThat(told("modes", "address")).contains("inet " + prefix);
      assertThat(told("modes", "route")).contains("default via " + prefix + "1 dev eth0");
      assertThat(told("modes", "lo")).contains("127.0.0.1/8");
      assertThat(told("modes", "none").lines()).containsExactly("lo");
      assertThat(told("modes", "host").lines()).contains(bridge).containsAll(interfacesBefore);
      assertThat(daemon.log()).contains("worker.network=cni");
      assertThat(rules("nat")).contains("-s " + prefix).contains("-j MASQUERADE");

      var gate = new CountDownLatch(1);
      try (Host host = Host.start(prefix + "1", gate)) {
        Process one = build(daemon, "one", "RUN " + host.fetch() + " > /out/got");
        Process two =
            build(
                daemon,
                "two",
                "RUN /bin/busybox hostname > /out/name; " + host.fetch() + " > /out/got",
                "--opt=hostname=db");
        String first = host.callers().take();
        String second = host.callers().take(); // both run now
        gate.countDown();
        assertThat(List.of(first, second)).allMatch(address -> address.startsWith(prefix));
        assertThat(first).isNotEqualTo(second);
        succeeds(one);
        succeeds(two);
        assertThat(told("one", "got")).isEqualTo("hello");
        assertThat(told("two", "name")).isEqualTo("db");
      }
      assertThat(leases()).as("none of the step with a name").hasSize(pins(daemon).size());
      daemon.closeClean();
      assertNothingIsLeft(daemon);
    } finally {
      daemon.close();
    }
  }

  @Test
  void aKilledDaemonsNetworksAreTakenDownByTheNext() throws Exception {
    Distribution daemon = bridged();
    try {
      succeeds(build(daemon, "first", "RUN : > /out/done"));
      Set<String> old;
      try (Host host = Host.start(prefix + "1", new CountDownLatch(1))) {
        Process cut = build(daemon, "cut", "RUN " + host.fetch());
        host.callers().take();
        old = pins(daemon);
        daemon.crash();
        Distribution.await(cut);
      }
      assertThat(old).isNotEmpty();
      daemon = bridged();
      succeeds(build(daemon, "second", "RUN : > /out/done"));
      Distribution now = daemon;
      Clients.eventually(
          Duration.ofSeconds(20), // the pool fills up behind the build
          () -> pins(now).size() == 2 && leases().size() == 2,
          () -> pins(now) + " and addresses " + leases());
      assertThat(pins(daemon)).doesNotContainAnyElementsOf(old);
      daemon.closeClean();
      assertNothingIsLeft(daemon);
    } finally {
      daemon.close();
    }
  }

  @Test
  void stepsInANetworkOfAConfigurationFile() throws Exception {
    Path config = dir.resolve("my.conflist");
    Files.writeString(
        config,
        """
        {"cniVersion": "0.4.0", "name": "%s", "plugins": [
          {"type": "ptp", "ipam": {"type": "host-local", "subnet": "%s0/24", "dataDir": "%s"}},
          {"type": "tuning", "mtu": 1400}]}
        """
            .formatted(bridge, prefix, dir.resolve("leases")));
    Distribution daemon = daemon("--oci-cni-config-path=" + config);
    try {
      succeeds(
          build(
              daemon,
              "cni",
              "RUN /bin/busybox ip -o addr > /out/address; /bin/busybox cat"
                  + " /sys/class/net/eth0/mtu > /out/mtu"));
      assertThat(told("cni", "address")).contains("127.0.0.1/8", "inet " + prefix);
      assertThat(told("cni", "mtu")).isEqualTo("1400");
      assertThat(leases()).hasSize(1);
      assertThat(daemon.log()).contains("worker.network=cni");
      daemon.closeClean();
      assertNothingIsLeft(daemon);
    } finally {
      daemon.close();
    }
  }

  @Test
  void aNetworkThatCannotBeMadeEndsTheDaemon() throws Exception {
    Process daemon =
        Distribution.prepare(dir, "--oci-worker-net=bridge", "--oci-cni-binary-dir=" + dir).start();
    daemon.waitFor();
    assertThat(dir.resolve("daemon.log"))
        .content()
        .contains("CNI plugin loopback is not in " + dir)
        .contains("containernetworking-plugins");
  }

  private void assertNothingIsLeft(Distribution daemon) throws Exception {
    assertThat(names(INTERFACES)).as("interfaces").isEqualTo(interfacesBefore);
    assertThat(pins(daemon)).as("namespaces").isEmpty();
    assertThat(names(daemon.state().resolve("net/answers"))).isEmpty();
    assertThat(leases()).as("addresses").isEmpty();
    assertThat(rules("nat") + rules("filter")).contains("-P FORWARD").doesNotContain(prefix);
  }

  private static String rules(String table) throws IOException {
    Process list = new ProcessBuilder("iptables", "-t", table, "-S").start();
    return new String(list.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  private static Set<String> pins(Distribution daemon) {
    return names(daemon.state().resolve("net/cni"));
  }

  /** Addresses that are taken; the plugin keeps a file of each. */
  private List<String> leases() {
    return Stream.of(LEASES.resolve("buildkit"), dir.resolve("leases").resolve(bridge))
        .flatMap(network -> names(network).stream())
        .filter(address -> address.startsWith(prefix))
        .toList();
  }

  private static Set<String> names(Path folder) {
    var names = new TreeSet<String>();
    try (var files = Files.newDirectoryStream(folder)) {
      files.forEach(file -> names.add(file.getFileName().toString()));
    } catch (NoSuchFileException e) {
      return names;
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    return names;
  }
}
