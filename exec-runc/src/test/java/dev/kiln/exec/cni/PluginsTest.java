package dev.kiln.exec.cni;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.kiln.exec.cni.PluginList.Programs;
import dev.kiln.exec.cni.Plugins.Attachment;
import dev.kiln.model.BuildException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The protocol, with shell scripts as plugins that write down what they are told. */
class PluginsTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Attachment ATTACHMENT =
      new Attachment("id1", Optional.of(Path.of("/ns/id1")), "eth0", "K8S_POD_NAME=h");

  @TempDir Path dir;
  private Plugins plugins;

  @BeforeEach
  void plugins() {
    plugins = new Plugins(List.of(dir.resolve("none"), dir));
  }

  private JsonNode told(String file) throws IOException {
    return JSON.readTree(dir.resolve(file).toFile());
  }

  private static PluginList list(String plugins) {
    return PluginList.parse(
        "{\"cniVersion\":\"1.0.0\",\"name\":\"net\",\"plugins\":" + plugins + "}", "test");
  }

  @Test
  void addHandsEachResultOn() throws Exception {
    PlayedPlugin.write(dir, "one", "{\"from\":\"one\"}", 0);
    PlayedPlugin.write(dir, "two", "{\"from\":\"two\"}", 0);
    JsonNode result =
        plugins.add(list("[{\"type\":\"one\",\"mtu\":9},{\"type\":\"two\"}]"), ATTACHMENT);
    assertThat(result.toString()).isEqualTo("{\"from\":\"two\"}");
    String rest = " id1 /ns/id1 eth0 K8S_POD_NAME=h " + dir.resolve("none") + ":" + dir;
    assertThat(dir.resolve("calls")).hasContent("ADD one" + rest + "\nADD two" + rest);
    assertThat(told("one-ADD").toString())
        .isEqualTo("{\"type\":\"one\",\"mtu\":9,\"name\":\"net\",\"cniVersion\":\"1.0.0\"}");
    assertThat(told("two-ADD").path("prevResult").toString()).isEqualTo("{\"from\":\"one\"}");
  }

  @Test
  void aProgramThatIsNotThereIsNamedBeforeItIsNeeded() throws Exception {
    PlayedPlugin.write(dir, "one", "{}", 0);
    plugins.check(list("[{\"type\":\"one\"}]"));
    assertThatThrownBy(() -> plugins.check(list("[{\"type\":\"one\"},{\"type\":\"two\"}]")))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("CNI plugin two is not in " + dir.resolve("none") + ", " + dir)
        .hasMessageContaining("--oci-cni-binary-dir");
  }

  @Test
  void deleteGoesBackwardsThroughAllWithTheLastResult() throws Exception {
    PlayedPlugin.write(dir, "one", "", 0);
    PlayedPlugin.write(dir, "two", "{\"code\":7,\"msg\":\"no\"}", 1);
    PluginList list = list("[{\"type\":\"one\"},{\"type\":\"two\"}]");
    var gone = new Attachment("id1", Optional.empty(), "eth0", "");
    assertThatThrownBy(() -> plugins.delete(list, gone, Optional.of(JSON.readTree("{\"a\":1}"))))
        .isInstanceOf(BuildException.class)
        .hasMessage("CNI plugin two, DEL to network net: no (code 7)");
    assertThat(Files.readAllLines(dir.resolve("calls")))
        .extracting(line -> line.substring(0, 17))
        .containsExactly("DEL two id1  eth0", "DEL one id1  eth0");
    assertThat(told("one-DEL").path("prevResult").toString()).isEqualTo("{\"a\":1}");
    assertThat(told("two-DEL").path("prevResult").toString()).isEqualTo("{\"a\":1}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"code":11,"msg":"try again","details":"busy"} | 1 | try again: busy (code 11)
          {"msg":"bad"}                                  | 2 | bad (code 0)
          panic                                          | 3 | it ended with 3: panic
          ''                                             | 4 | it ended with 4 and no answer
          not json                                       | 0 | the answer is not JSON
          """)
  void failuresAreTold(String answer, int code, String told) throws Exception {
    PlayedPlugin.write(dir, "one", answer, code);
    assertThatThrownBy(() -> plugins.add(list("[{\"type\":\"one\"}]"), ATTACHMENT))
        .isInstanceOf(BuildException.class)
        .hasMessage("CNI plugin one, ADD to network net: " + told);
  }

  @Test
  void aMissingPluginIsNamedWithTheWayOut() {
    assertThatThrownBy(() -> plugins.add(list("[{\"type\":\"bridge\"}]"), ATTACHMENT))
        .hasMessageContaining("CNI plugin bridge is not in " + dir.resolve("none") + ", " + dir)
        .hasMessageContaining("--oci-cni-binary-dir");
  }

  @Test
  void onePluginsConfigurationIsAList() {
    PluginList list =
        PluginList.parse("{\"cniVersion\":\"0.4.0\",\"name\":\"n\",\"type\":\"ptp\"}", "test");
    assertThat(list.plugins()).hasSize(1);
    assertThat(list.version()).isEqualTo("0.4.0");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"name":                                          | it is not JSON
          {"type":"ptp"}                                    | it has no "name"
          {"name":"n"}                                      | every plugin needs a "type"
          {"name":"n","plugins":[]}                         | every plugin needs a "type"
          {"name":"n","plugins":[{"type":"../bin/sh"}]}     | every plugin needs a "type"
          """)
  void anInvalidConfigurationIsNamed(String text, String why) {
    assertThatThrownBy(() -> PluginList.parse(text, "/etc/buildkit/cni.json"))
        .isInstanceOf(BuildException.class)
        .hasMessageStartingWith("invalid CNI configuration /etc/buildkit/cni.json: " + why);
  }

  @Test
  void theBridgesNetworkIsBuildkits() throws Exception {
    PluginList list = PluginList.bridge("br0", "10.9.0.0/16", Programs.STANDARD);
    assertThat(list.plugins().getFirst().toString()).isEqualTo("{\"type\":\"loopback\"}");
    assertThat(JSON.readTree(list.input(1, Optional.empty())))
        .isEqualTo(
            JSON.readTree(
                """
                {"cniVersion": "1.0.0", "name": "buildkit", "type": "bridge", "bridge": "br0",
                 "isDefaultGateway": true, "ipMasq": true,
                 "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.9.0.0/16"}]]}}
                """));
    assertThat(list.plugins().getLast().toString())
        .isEqualTo("{\"type\":\"firewall\",\"ingressPolicy\":\"same-bridge\"}");
  }
}
