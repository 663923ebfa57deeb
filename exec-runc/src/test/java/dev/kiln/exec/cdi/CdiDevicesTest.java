package dev.kiln.exec.cdi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.exec.cdi.CdiDevices.Wanted;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CdiDevicesTest {
  private static final String SPEC =
      """
      cdiVersion: "0.6.0"
      kind: "vendor.com/device"
      annotations:
        org.mobyproject.buildkit.device.autoallow: true
      containerEdits:
        env: [ "ALL=1" ]
      devices:
      - name: foo
        annotations:
          org.mobyproject.buildkit.device.class: class1
        containerEdits:
          env: [ "FOO=1" ]
          deviceNodes:
          - path: /dev/foo
            hostPath: /dev/null
            permissions: rw
            fileMode: 432
      - name: bar
        annotations:
          org.mobyproject.buildkit.device.class: class1
          org.mobyproject.buildkit.device.autoallow: "false"
        containerEdits:
          mounts:
          - hostPath: /lib/bar
            containerPath: /usr/lib/bar
            options: [ "ro", "rbind" ]
          additionalGids: [ 0, 44 ]
      """;

  @TempDir Path temp;
  private CdiDevices devices;

  @BeforeEach
  void write() throws IOException {
    Files.createDirectory(temp.resolve("one"));
    Files.writeString(temp.resolve("one/vendor.yaml"), SPEC);
    devices =
        new CdiDevices(
            List.of(temp.resolve("absent"), temp.resolve("one"), temp.resolve("two")), List.of());
  }

  private List<String> find(String name) {
    return devices.find(List.of(new Wanted(name, false)));
  }

  @ParameterizedTest
  @CsvSource({
    "vendor.com/device=foo, vendor.com/device=foo",
    "vendor.com/device, vendor.com/device=bar",
    "vendor.com/device=*, vendor.com/device=bar vendor.com/device=foo",
    "class1, vendor.com/device=bar vendor.com/device=foo",
  })
  void devicesAreFoundByNameKindAndClass(String wanted, String found) {
    assertThat(String.join(" ", find(wanted))).isEqualTo(found);
  }

  @Test
  void onlyARequiredDeviceMustBeThere() {
    assertThat(devices.find(List.of(new Wanted("vendor.com/other=x", true)))).isEmpty();
    assertThatThrownBy(() -> find("vendor.com/device=x"))
        .hasMessage("required device \"vendor.com/device=x\" is not registered");
  }

  @Test
  void anAnnotationOfTheDeviceWinsOverItsSpecs() {
    assertThat(devices.list())
        .extracting(CdiDevices.Device::name, CdiDevices.Device::autoAllowed)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple("vendor.com/device=bar", false),
            org.assertj.core.groups.Tuple.tuple("vendor.com/device=foo", true));
  }

  @Test
  void editsOfASpecificationComeOnceAndFirst() {
    CdiEdits edits = devices.edits(List.of(new Wanted("vendor.com/device=*", false)));
    assertThat(edits.env()).containsExactly("ALL=1", "FOO=1");
    assertThat(edits.nodes())
        .singleElement()
        .satisfies(node -> {
          assertThat(node.hostPath()).isEqualTo("/dev/null");
          assertThat(node.mode()).hasValue(0660);
          assertThat(node.access()).isEqualTo("rw");
          assertThat(node.number()).isEmpty();
        });
    assertThat(edits.mounts()).extracting(m -> m.destination()).containsExactly("/usr/lib/bar");
    assertThat(edits.groups()).containsExactly(44L);
  }

  @Test
  void aChangedOrLaterFileIsReadAtTheNextQuestion() throws IOException {
    assertThat(find("vendor.com/device=foo")).hasSize(1);
    Files.createDirectory(temp.resolve("two"));
    Files.writeString(
        temp.resolve("two/more.json"),
        """
        {"cdiVersion": "0.6.0", "kind": "vendor.com/device",
         "devices": [{"name": "foo", "containerEdits": {"env": ["FOO=2"]}}]}
        """);
    assertThat(devices.edits(List.of(new Wanted("vendor.com/device=foo", false))).env())
        .containsExactly("FOO=2");
    Files.delete(temp.resolve("one/vendor.yaml"));
    assertThat(devices.list()).hasSize(1);
  }

  @Test
  void devicesOfEqualRankThatClashAreLeftOut() throws IOException {
    Files.writeString(temp.resolve("one/same.yaml"), SPEC.replace("name: bar", "name: baz"));
    assertThat(devices.list())
        .extracting(CdiDevices.Device::name)
        .containsExactly("vendor.com/device=bar", "vendor.com/device=baz");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "- x",
        "{cdiVersion: 0.6.0, kind: nokind, devices: [{name: a, containerEdits: {env: [A=1]}}]}",
        "{cdiVersion: 0.6.0, kind: v.com/c, devices: []}",
        "{cdiVersion: 0.6.0, kind: v.com/c, devices: [{name: a, containerEdits: {}}]}",
        "{cdiVersion: 0.6.0, kind: v.com/c, devices: [{name: a, containerEdits: {env: [A]}}]}",
        "{cdiVersion: 0.6.0, kind: v.com/c, other: 1, devices: [{name: a, containerEdits: {env: [A=1]}}]}",
        "{kind: v.com/c, devices: [{name: a, containerEdits: {env: [A=1]}}]}",
      })
  void whatIsNoSpecificationIsLeftOut(String text) throws IOException {
    Files.writeString(temp.resolve("one/bad.yaml"), text);
    assertThat(devices.list()).hasSize(2);
  }
}
