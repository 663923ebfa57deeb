package dev.kiln.llb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.llb.ExecOp.CdiDevice;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class DeviceRightsTest {
  /** {@code v/c=free} is free for all, {@code v/c=a} and {@code v/c=b} are not. */
  private static final DeviceRights.Registry MACHINE =
      new DeviceRights.Registry() {
        @Override
        public List<String> find(List<CdiDevice> wanted) {
          return wanted.stream()
              .map(CdiDevice::name)
              .filter(List.of("v/c=free", "v/c=a", "v/c=b")::contains)
              .toList();
        }

        @Override
        public boolean isFree(String name) {
          return name.equals("v/c=free");
        }
      };

  private static final CdiDevice FREE = new CdiDevice("v/c=free", false);
  private static final CdiDevice A = new CdiDevice("v/c=a", false);
  private static final CdiDevice B = new CdiDevice("v/c=b", false);

  @Test
  void whatIsFreeNeedsNoRight() {
    DeviceRights rights = DeviceRights.free(MACHINE);
    assertThat(rights.admit(List.of(FREE))).containsExactly(FREE);
    assertThat(rights.admit(List.of(new CdiDevice("v/other", true)))).isEmpty();
    assertThatThrownBy(() -> rights.admit(List.of(FREE, A)))
        .hasMessage("device v/c=a is requested by the build but not allowed");
    assertThatThrownBy(() -> rights.admit(List.of(A, B)))
        .hasMessage("devices v/c=a, v/c=b are requested by the build but not allowed");
  }

  @Test
  void namesGrantDevicesAndAliasesReplaceThem() {
    var rights = new DeviceRights(MACHINE, false, List.of("v/c=a"), Map.of("gpu", "v/c=b"));
    assertThat(rights.admit(List.of(A, new CdiDevice("gpu", true))))
        .containsExactly(new CdiDevice("v/c=b", true), A);
    assertThatThrownBy(() -> rights.admit(List.of(B))).hasMessageContaining("not allowed");
  }

  @Test
  void theRightToAllLeavesNamesAsTheyAre() {
    var rights = new DeviceRights(MACHINE, true, List.of(), Map.of());
    assertThat(rights.admit(List.of(new CdiDevice("class", false))))
        .containsExactly(new CdiDevice("class", false));
  }
}
