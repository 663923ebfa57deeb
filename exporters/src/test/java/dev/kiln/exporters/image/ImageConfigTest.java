package dev.kiln.exporters.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.exporters.image.History.LayerFacts;
import dev.kiln.model.Digest;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** */
class ImageConfigTest {
  private static final Digest LAYER = Digest.of("layer");

  private static ImageConfig config(String json) {
    return ImageConfig.parse(json.getBytes(StandardCharsets.UTF_8));
  }

  private static LayerFacts facts(String description, String time) {
    return new LayerFacts(description, Optional.of(OffsetDateTime.parse(time)));
  }

  private static String text(byte[] json) {
    return new String(json, StandardCharsets.UTF_8);
  }

  private static String times(List<History> history) {
    return String.join(
        " ",
        history.stream()
            .map(h -> h.created().map(t -> t.toInstant().toString()).orElse("-"))
            .toList());
  }

  @Test
  void unknownFieldsPassThroughAndTheRestIsPatched() {
    ImageConfig config =
        config(
            """
            {"zzz": {"b": 1.0, "a": "<\\u00e9>"}, "os": "linux", "architecture": "amd64",
             "history": [{"created_by": "RUN x"}], "config": {"Env": ["A=b"]}}
            """);
    List<History> history =
        History.reconcile(config.history(), List.of(facts("RUN x", "2024-01-02T03:04:05.120Z")));
    assertThat(
            text(
                config.patched(
                    List.of(LAYER), history, Optional.empty(), Optional.empty(), Optional.empty())))
        .isEqualTo(
            "{\"architecture\":\"amd64\",\"config\":{\"Env\":[\"A=b\"]},"
                + "\"created\":\"2024-01-02T03:04:05.12Z\","
                + "\"history\":[{\"created\":\"2024-01-02T03:04:05.12Z\",\"created_by\":\"RUN x\"}],"
                + "\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\""
                + LAYER.value()
                + "\"]},\"zzz\":{\"b\":1.0,\"a\":\"\\u003c\\u00e9\\u003e\"}}");
  }

  @Test
  void epochClampsAllButTheBasesHistory() {
    ImageConfig base =
        config("{\"history\":[{\"created\":\"2030-01-01T00:00:00Z\",\"created_by\":\"base\"}]}");
    ImageConfig config =
        config(
            """
            {"os":"linux","architecture":"arm64","created":"2031-01-01T00:00:00Z","history":[
             {"created":"2030-01-01T00:00:00Z","created_by":"base"},
             {"created":"2029-01-01T00:00:00Z","created_by":"new"},
             {"created":"1999-01-01T00:00:00Z","created_by":"old","empty_layer":true}]}
            """);
    String patched =
        text(
            config.patched(
                List.of(LAYER, LAYER),
                config.history(),
                Optional.of(new byte[] {1}),
                Optional.of(Instant.parse("2020-01-01T00:00:00Z")),
                Optional.of(base)));
    assertThat(patched)
        .contains(
            "\"created\":\"2020-01-01T00:00:00Z\",\"history\":["
                + "{\"created\":\"2030-01-01T00:00:00Z\",\"created_by\":\"base\"},"
                + "{\"created\":\"2020-01-01T00:00:00Z\",\"created_by\":\"new\"},"
                + "{\"created\":\"1999-01-01T00:00:00Z\",\"created_by\":\"old\",\"empty_layer\":true}]")
        .contains("\"moby.buildkit.cache.v0\":\"AQ==\"");
  }

  @Test
  void layersWithoutAStepGetOneAndStepsWithoutALayerLoseIt() {
    ImageConfig config =
        config(
            "{\"history\":[{\"created_by\":\"a\"},{\"created_by\":\"b\",\"empty_layer\":true}]}");
    List<History> more =
        History.reconcile(
            config.history(),
            List.of(facts("x", "2024-01-01T00:00:00Z"), facts("y", "2025-01-01T00:00:00Z")));
    assertThat(more).hasSize(3);
    assertThat(more.get(2).createdBy()).isEqualTo("y");
    assertThat(more.get(2).comment()).isEqualTo("buildkit.exporter.image.v0");
    List<History> fewer = History.reconcile(config.history(), List.of());
    assertThat(fewer).allMatch(History::emptyLayer);
  }

  @Test
  void stepsWithoutATimeTakeTheFirstNewLayers() {
    ImageConfig config =
        config(
            """
            {"history":[{"created":"2001-01-01T00:00:00Z","created_by":"base"},
              {"created_by":"env","empty_layer":true},
              {"created_by":"run"},
              {"created_by":"cmd","empty_layer":true}]}
            """);
    List<History> filled =
        History.reconcile(
            config.history(),
            List.of(facts("base", "2001-01-01T00:00:00Z"), facts("run", "2024-01-01T00:00:00Z")));
    assertThat(times(filled))
        .isEqualTo(
            "2001-01-01T00:00:00Z 2024-01-01T00:00:00Z 2024-01-01T00:00:00Z 2024-01-01T00:00:00Z");
  }

  @Test
  void configOfNothing() {
    String empty =
        text(
            ImageConfig.ofHost()
                .patched(
                    List.of(), List.of(), Optional.empty(), Optional.empty(), Optional.empty()));
    assertThat(empty)
        .contains("\"created\":null,\"history\":null,\"os\":\"linux\"")
        .contains("\"rootfs\":{\"type\":\"layers\",\"diff_ids\":null}")
        .contains("\"WorkingDir\":\"/\"");
    assertThat(text(ImageConfig.ofStatements(List.of(Digest.of("x")))))
        .isEqualTo(
            "{\"architecture\":\"unknown\",\"os\":\"unknown\",\"config\":{},\"rootfs\":"
                + "{\"type\":\"layers\",\"diff_ids\":[\"sha256:"
                + "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\"]}}");
  }

  @Test
  void whatIsNoConfigIsRefused() {
    assertThatThrownBy(() -> config("null")).hasMessage("invalid null image config for export");
    assertThatThrownBy(() -> config("{} x")).hasMessageContaining("invalid image config");
    assertThatThrownBy(() ->
            config("{\"os\":\"linux\"}")
                .patched(
                    List.of(), List.of(), Optional.empty(), Optional.empty(), Optional.empty()))
        .hasMessage("invalid image config for export: missing architecture");
  }

  @Test
  void timesAreWrittenAsGoDoes() {
    assertThat(History.time(OffsetDateTime.parse("2024-01-02T03:04:05+02:00")))
        .isEqualTo("\"2024-01-02T03:04:05+02:00\"");
    assertThat(History.time(OffsetDateTime.parse("2024-01-02T03:04:05.000000001-07:30")))
        .isEqualTo("\"2024-01-02T03:04:05.000000001-07:30\"");
    assertThat(History.time(OffsetDateTime.parse("2024-01-02T03:04:05+00:00")))
        .isEqualTo("\"2024-01-02T03:04:05Z\"");
  }
}
