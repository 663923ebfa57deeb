package dev.kiln.exec.cni;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.kiln.exec.cni.CniNamespaces.Network;
import dev.kiln.sys.Processes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With played plugins; those that make a namespace need root. */
class CniNamespacesTest {
  @TempDir Path dir;
  private CniNamespaces namespaces;

  @BeforeEach
  void open() throws IOException {
    PlayedPlugin.write(dir, "loopback", "{\"from\":\"lo\"}", 0);
    PlayedPlugin.write(dir, "net", "{\"from\":\"net\"}", 0);
    var list = PluginList.parse("{\"name\":\"n\",\"type\":\"net\"}", "test");
    namespaces =
        new CniNamespaces(
            dir.resolve("state"),
            new Plugins(List.of(dir)),
            List.of(new Network(PluginList.loopback(), "lo"), new Network(list, "eth0")));
  }

  private void assertNothingLeft() {
    assertThat(dir.resolve("state/cni")).isEmptyDirectory();
    assertThat(dir.resolve("state/answers")).isEmptyDirectory();
  }

  @Test
  void aNamespaceIsMadeAndTakenDown() throws Exception {
    assumeThat(Processes.effectiveUser()).isZero();
    NetworkNamespace made = namespaces.make("db");
    String pin = made.path().toString();
    assertThat(Files.readString(Path.of("/proc/self/mountinfo"))).contains(pin);
    namespaces.remove(made);
    String args = "K8S_POD_NAME=db;IgnoreUnknown=1";
    assertThat(Files.readAllLines(dir.resolve("calls")))
        .extracting(line -> line.substring(0, line.lastIndexOf(' ')))
        .containsExactly(
            "ADD loopback " + made.id() + " " + pin + " lo " + args,
            "ADD net " + made.id() + " " + pin + " eth0 " + args,
            "DEL net " + made.id() + " " + pin + " eth0 " + args,
            "DEL loopback " + made.id() + " " + pin + " lo " + args);
    assertThat(Files.readString(Path.of("/proc/self/mountinfo"))).doesNotContain(pin);
    assertNothingLeft();
  }

  @Test
  void aNamespaceThatAPluginRefusesIsTakenDown() throws Exception {
    assumeThat(Processes.effectiveUser()).isZero();
    PlayedPlugin.write(dir, "net", "{\"code\":7,\"msg\":\"no address left\"}", 1);
    assertThatThrownBy(() -> namespaces.make("")).hasMessageContaining("no address left (code 7)");
    assertThat(Files.readString(dir.resolve("calls"))).contains("DEL net ", "DEL loopback ");
    assertThat(Files.readString(Path.of("/proc/self/mountinfo"))).doesNotContain(dir.toString());
    assertNothingLeft();
  }

  /** After a restart of the machine the namespace is gone, but addresses are still taken. */
  @Test
  void leftoversGiveBackWhatPluginsKeep() throws Exception {
    Files.createFile(dir.resolve("state/cni/old"));
    Files.writeString(dir.resolve("state/answers/old"), "[{\"from\":\"lo\"},{\"from\":\"net\"}]");
    namespaces.clearLeftovers();
    assertThat(Files.readAllLines(dir.resolve("calls")))
        .containsExactly("DEL net old  eth0  " + dir, "DEL loopback old  lo  " + dir);
    assertThat(
            new ObjectMapper()
                .readTree(dir.resolve("net-DEL").toFile())
                .path("prevResult")
                .path("from")
                .asText())
        .isEqualTo("net");
    assertNothingLeft();
  }

  @Test
  void aHostnameCannotAddArguments() {
    assertThatThrownBy(() -> namespaces.make("x;IP=10.0.0.1")).hasMessageContaining("hostname");
    assertNothingLeft();
  }
}
