package dev.kiln.config;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.config.ConfigReader.Request;
import dev.kiln.config.WorkerConfig.NetworkConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigReaderTest {
  @TempDir Path dir;

  private DaemonConfig read(String toml, String... flags) throws IOException {
    Path file = Files.writeString(dir.resolve("buildkitd.toml"), toml);
    var args = new ArrayList<>(List.of("--config", file.toString()));
    args.addAll(List.of(flags));
    Request request = ConfigReader.read(args, "v", name -> name.equals("docker") ? 998 : -1);
    return ((Request.Start) request).config();
  }

  @Test
  void emptyFileGivesBuildkitdsDefaults() throws IOException {
    DaemonConfig config = read("");
    assertThat(config.root()).isEqualTo(Path.of("/var/lib/buildkit"));
    assertThat(config.grpc().addresses()).containsExactly("unix:///run/buildkit/buildkitd.sock");
    assertThat(config.history())
        .isEqualTo(
            new DaemonConfig.HistoryConfig(Optional.of(Duration.ofHours(48)), Optional.of(50)));
    assertThat(config.worker().gc()).isTrue();
    assertThat(config.frontends().dockerfile()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    // mode, bridge by environment, file of CNI: choice, label
    "auto,   '',   false, HOST,   host",
    "auto,   '',   true,  CNI,    cni",
    "auto,   true, true,  BRIDGE, cni",
    "auto,   1,    false, BRIDGE, cni",
    "auto,   0,    true,  CNI,    cni",
    "auto,   yes,  false, HOST,   host",
    "host,   true, true,  HOST,   host",
    "none,   true, true,  NONE,   none",
    "cni,    true, false, CNI,    cni",
    "bridge, '',   true,  BRIDGE, cni",
  })
  void networkOfSteps(
      String mode, String bridge, boolean configured, NetworkConfig.Choice choice, String label)
      throws IOException {
    Path cni = dir.resolve("cni.json");
    if (configured) {
      Files.writeString(cni, "{}");
    }
    NetworkConfig network =
        read("[worker.oci]\nnetworkMode = \"" + mode + "\"\ncniConfigPath = \"" + cni + "\"\n")
            .worker()
            .network();
    assertThat(network.choice(Map.of("BUILDKIT_NETWORK_BRIDGE_AUTO", bridge))).isEqualTo(choice);
    assertThat(choice.label()).isEqualTo(label);
  }

  @Test
  void networkSettingsOfFileAndFlags() throws IOException {
    assertThat(read("").worker().network())
        .isEqualTo(
            new NetworkConfig(
                "auto", "/etc/buildkit/cni.json", "/opt/cni/bin", 0, "buildkit0", "10.10.0.0/16"));
    assertThat(
            read(
                    """
                    [worker.oci]
                    cniPoolSize = 3
                    bridgeName = "br"
                    bridgeSubnet = "10.1.0.0/24"
                    """,
                    "--oci-worker-net=bridge",
                    "--oci-cni-config-path=/c",
                    "--oci-cni-binary-dir=/b",
                    "--oci-cni-pool-size=4")
                .worker()
                .network())
        .isEqualTo(new NetworkConfig("bridge", "/c", "/b", 4, "br", "10.1.0.0/24"));
    assertThatThrownBy(() -> read("", "--oci-worker-net=overlay"))
        .hasMessage(
            "--oci-worker-net: invalid network mode: \"overlay\": this daemon has auto, cni, bridge,"
                + " host and none");
    assertThatThrownBy(() -> read("worker.oci.networkMode = \"wifi\""))
        .hasMessageStartingWith("worker.oci.networkMode: invalid network mode: \"wifi\": this");
    assertThatThrownBy(() -> read("worker.oci.snapshotter = \"btrfs\""))
        .hasMessageStartingWith("worker.oci.snapshotter: unknown snapshotter 'btrfs': this");
  }

  @Test
  void flagWinsOverFile() throws IOException {
    DaemonConfig config =
        read(
            """
            root = "/a"
            debug = true
            insecure-entitlements = ["network.host"]
            [grpc]
            address = ["unix:///a.sock"]
            [worker.oci]
            max-parallelism = 4
            """,
            "--root=/b",
            "--addr",
            "unix:///b.sock",
            "--addr=tcp://127.0.0.1:1",
            "--oci-max-parallelism=2",
            "--allow-insecure-entitlement=security.insecure",
            "--oci-worker=true",
            "--containerd-worker=false",
            "--group=docker");
    assertThat(config.root()).isEqualTo(Path.of("/b"));
    assertThat(config.grpc().addresses()).containsExactly("unix:///b.sock", "tcp://127.0.0.1:1");
    assertThat(config.grpc().gid()).isEqualTo(998);
    assertThat(config.worker().maxParallelism()).isEqualTo(2);
    assertThat(config.insecureEntitlements()).containsExactly("security.insecure");
    assertThat(config.log().level()).isEqualTo("debug");
  }

  @Test
  void readsRegistriesAndGcPolicies() throws IOException {
    DaemonConfig config =
        read(
            """
            [registry."docker.io"]
            mirrors = ["localhost:5000"]
            [registry."localhost:5000"]
            http = true
            [[registry."localhost:5000".keypair]]
            key = "k"
            cert = "c"
            [worker.oci]
            [[worker.oci.gcpolicy]]
            all = true
            keepBytes = "512MB"
            keepDuration = "48h"
            filters = ["type==regular"]
            [[worker.oci.gcpolicy]]
            keepDuration = 60
            maxUsedSpace = "10%"
            """);
    assertThat(requireNonNull(config.registries().get("docker.io")).mirrors())
        .containsExactly("localhost:5000");
    RegistryConfig local = requireNonNull(config.registries().get("localhost:5000"));
    assertThat(local.http()).contains(true);
    assertThat(local.keyPairs()).containsExactly(new RegistryConfig.KeyPair("k", "c"));
    assertThat(config.worker().policiesFor(1))
        .containsExactly(
            new GcPolicy(
                true,
                List.of("type==regular"),
                Duration.ofHours(48),
                Optional.of(new DiskSpace.Bytes(512L << 20)),
                Optional.empty(),
                Optional.empty()),
            new GcPolicy(
                false,
                List.of(),
                Duration.ofMinutes(1),
                Optional.empty(),
                Optional.of(new DiskSpace.Percent(10)),
                Optional.empty()));
  }

  @Test
  void badValuesNameTheKeyAndWhatIsAccepted() {
    assertThatThrownBy(() -> read("insecure-entitlements = [\"root\"]"))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("\"root\"")
        .hasMessageContaining("network.host");
    assertThatThrownBy(() -> read("[history]\nmaxAge = \"soon\""))
        .hasMessageContaining("history.maxAge")
        .hasMessageContaining("48h");
    assertThatThrownBy(() -> read("[worker.oci]\nreservedSpace = \"much\""))
        .hasMessageContaining("worker.oci.reservedSpace");
    assertThatThrownBy(() -> read("[grpc]\naddress = \"one\""))
        .hasMessageContaining("grpc.address must be a list of strings");
    assertThatThrownBy(() -> read("", "--tlscert=x")).hasMessageContaining("key and cert");
    assertThatThrownBy(() -> read("", "--nonsense"))
        .hasMessageContaining("--nonsense")
        .hasMessageContaining("--help");
    assertThatThrownBy(() -> read("[worker.containerd]\nenabled = true"))
        .hasMessageContaining("runc worker only");
  }

  @Test
  void aFileThatCannotBeReadIsNamedInOneLine() {
    assertThatThrownBy(() -> read("a = \"1\n\"\n"))
        .hasMessageMatching("failed to load config from .*buildkitd.toml: line 1, column \\d+: .*");
    assertThatThrownBy(() -> read("#" + "x".repeat(1 << 20)))
        .hasMessageContaining("buildkitd.toml: it is larger than 1048576 bytes");
    assertThatThrownBy(() -> read("", "--config=/nowhere/a.toml"))
        .hasMessage("failed to load config from /nowhere/a.toml: no such file");
  }

  @Test
  void numbersOutOfRangeAreBadValues() {
    assertThatThrownBy(() -> read("[history]\nmaxAge = 99999999999999999999"))
        .isInstanceOf(ConfigException.class);
    assertThatThrownBy(() -> read("[history]\nmaxAge = \"9999999999h\""))
        .hasMessageContaining("history.maxAge");
    assertThatThrownBy(() -> read("", "--oci-cni-pool-size=99999999999"))
        .hasMessageContaining("--oci-cni-pool-size");
    assertThatThrownBy(() -> read("", "--root=a\0b")).hasMessageContaining("root");
  }

  @Test
  void goDurationsAndBareSeconds() {
    assertThat(GoDuration.parse("k", "1h30m")).isEqualTo(Duration.ofMinutes(90));
    assertThat(GoDuration.parse("k", "1.5s")).isEqualTo(Duration.ofMillis(1500));
    assertThat(GoDuration.parse("k", "-20s")).isEqualTo(Duration.ofSeconds(-20));
    assertThat(GoDuration.parse("k", "3600")).isEqualTo(Duration.ofHours(1));
    assertThatThrownBy(() -> GoDuration.parse("k", "5 days")).isInstanceOf(ConfigException.class);
  }

  @Test
  void helpAndVersionArePrintedNotStarted() {
    assertThat(ConfigReader.read(List.of("--version"), "buildkitd x", name -> -1))
        .isEqualTo(new Request.Print("buildkitd x\n"));
    assertThat(((Request.Print) ConfigReader.read(List.of("--help"), "", name -> -1)).text())
        .contains("--addr")
        .contains("--oci-max-parallelism");
  }
}
