package dev.kiln.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.exporters.ExportSource;
import dev.kiln.store.RefId;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class PlatformCheckTest {
  private static final Optional<RefId> REF = Optional.of(new RefId("r"));

  private static ExportSource single(String... platforms) {
    return source(REF, new TreeMap<>(), platforms);
  }

  private static ExportSource map(String... platforms) {
    var refs = new TreeMap<String, Optional<RefId>>();
    for (String p : platforms) {
      refs.put(p, REF);
    }
    return source(Optional.empty(), refs, platforms);
  }

  private static ExportSource source(
      Optional<RefId> ref, TreeMap<String, Optional<RefId>> refs, String... platforms) {
    if (platforms.length == 0) {
      return new ExportSource(ref, refs, Map.of(), Map.of());
    }
    var json = new StringBuilder("{\"Platforms\":[");
    for (String p : platforms) {
      String[] parts = p.split("/");
      json.append(json.charAt(json.length() - 1) == '[' ? "" : ",")
          .append("{\"ID\":\"")
          .append(p)
          .append("\",\"Platform\":{\"os\":\"")
          .append(parts[0])
          .append("\",\"architecture\":\"")
          .append(parts[1])
          .append("\"}}");
    }
    byte[] bytes = json.append("]}").toString().getBytes(StandardCharsets.UTF_8);
    return new ExportSource(ref, refs, Map.of("refs.platforms", bytes), Map.of());
  }

  @Test
  void whatWasAskedForIsFine() {
    assertThat(PlatformCheck.warnings(single(), Optional.empty())).isEmpty();
    assertThat(
            PlatformCheck.warnings(
                map("linux/amd64", "linux/arm64"), Optional.of("linux/arm64,linux/amd64")))
        .isEmpty();
    assertThat(PlatformCheck.warnings(single("linux/s390x"), Optional.of("linux/s390x"))).isEmpty();
  }

  @Test
  void anythingElseIsSaid() {
    assertThat(PlatformCheck.warnings(single(), Optional.of("linux/amd64,linux/arm64")))
        .containsExactly("Multiple platforms requested but result is not multi-platform");
    assertThat(
            PlatformCheck.warnings(
                map("linux/amd64", "linux/arm64"), Optional.of("linux/amd64,linux/s390x")))
        .containsExactly(
            "Requested platforms linux/amd64,linux/s390x do not match result platforms"
                + " linux/amd64,linux/arm64");
    assertThat(PlatformCheck.warnings(single("linux/s390x"), Optional.of("linux/arm64")))
        .containsExactly(
            "Requested platform \"linux/arm64\" does not match result platform \"linux/s390x\"");
    assertThat(PlatformCheck.warnings(single(), Optional.of("linux/amd64,linux/amd64")))
        .containsExactly("Duplicate platform result requested \"linux/amd64\"");
  }

  @Test
  void severalStatesNeedTheirPlatforms() {
    var refs = new TreeMap<String, Optional<RefId>>(Map.of("a", REF));
    assertThatThrownBy(
            () -> PlatformCheck.warnings(source(Optional.empty(), refs), Optional.empty()))
        .hasMessage("build result contains multiple refs without platforms mapping");
  }
}
