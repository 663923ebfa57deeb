package dev.kiln.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.cli.lend.LayoutIndex;
import dev.kiln.model.BuildException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CachesTest {
  @TempDir Path temp;
  private final List<String> notes = new ArrayList<>();

  private Caches from(String... texts) {
    return Caches.read(List.of(texts), List.of(), Map.of(), notes::add);
  }

  private Caches to(String... texts) {
    return Caches.read(List.of(), List.of(texts), Map.of(), notes::add);
  }

  @Test
  void anImagesNameIsACacheAtARegistry() {
    var entry = new Caches.Entry("registry", Map.of("ref", "user/app:cache"));
    assertThat(from("user/app:cache").imports()).containsExactly(entry);
    assertThat(to("user/app:cache").exports())
        .containsExactly(
            new Caches.Entry("registry", Map.of("ref", "user/app:cache", "mode", "min")));
  }

  @Test
  void frontendsAreToldOfImportsInTheirForm() {
    assertThat(from("type=registry,ref=a/b", "type=s3,region=x,bucket=y").frontendAttribute())
        .isEqualTo(
            "[{\"Attrs\":{\"ref\":\"a/b\"},\"Type\":\"registry\"},"
                + "{\"Attrs\":{\"bucket\":\"y\",\"region\":\"x\"},\"Type\":\"s3\"}]");
  }

  @Test
  void whatIsNoCacheIsRefusedByName() {
    assertThatThrownBy(() -> from("type=bogus,ref=x"))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("'bogus'")
        .hasMessageContaining("registry, local, gha, s3, azblob, inline");
    assertThatThrownBy(() -> to("type=bogus,ref=x")).hasMessageContaining("'bogus'");
    assertThatThrownBy(() -> from("ref=x")).hasMessageContaining("needs a type");
    assertThatThrownBy(() -> from("type=registry")).hasMessageContaining("needs ref=");
    assertThatThrownBy(() -> from("type=local")).hasMessageContaining("needs src=");
    assertThatThrownBy(() -> from("type=inline")).hasMessageContaining("type=registry,ref=IMAGE");
    assertThatThrownBy(() -> to("type=local")).hasMessageContaining("needs dest=");
    assertThatThrownBy(() -> to("type=inline,mode=all")).hasMessageContaining("min or max");
    assertThatThrownBy(() -> to("type=gha")).hasMessageContaining("ACTIONS_RUNTIME_TOKEN");
  }

  @Test
  void githubsCacheIsFoundByItsEnvironment() {
    var environment =
        Map.of(
            "ACTIONS_CACHE_SERVICE_V2", "true",
            "ACTIONS_RESULTS_URL", "https://results",
            "ACTIONS_RUNTIME_TOKEN", "t");
    var caches = Caches.read(List.of("type=gha,scope=s"), List.of(), environment, notes::add);
    assertThat(caches.imports())
        .containsExactly(
            new Caches.Entry(
                "gha",
                Map.of(
                    "scope", "s",
                    "url", "https://results",
                    "url_v2", "https://results",
                    "token", "t")));
  }

  @Test
  void aFolderWithoutACacheIsNotedAndLeftOut() throws Exception {
    Path folder = temp.resolve("cache");
    assertThat(from("type=local,src=" + folder).imports()).isEmpty();
    assertThat(notes).hasSize(1).first().asString().contains(folder.toString());
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("index.json"), "{");
    assertThat(from("type=local,src=" + folder).imports()).isEmpty();
    assertThat(notes).last().asString().contains("is not an OCI index");
  }

  @Test
  void whatIsWrittenIsFoundByItsTag() throws Exception {
    Path folder = Files.createDirectories(temp.resolve("cache"));
    Caches written = to("type=local,dest=" + folder, "type=inline");
    assertThat(written.folders()).containsExactly(Map.entry("local:" + folder, folder));
    written.list(Map.of("cache.manifest", "{\"digest\":\"sha256:1\",\"size\":1}"));
    to("type=local,tag=other,dest=" + folder)
        .list(Map.of("cache.manifest", "{\"digest\":\"sha256:2\",\"size\":1}"));
    written.list(Map.of("cache.manifest", "{\"digest\":\"sha256:3\",\"size\":1}"));

    assertThat(LayoutIndex.find(folder, "latest")).hasValue("sha256:3");
    assertThat(LayoutIndex.find(folder, "other")).hasValue("sha256:2");
    assertThat(folder.resolve("oci-layout")).hasContent("{\"imageLayoutVersion\":\"1.0.0\"}");
    assertThat(folder).isDirectoryNotContaining(p -> p.toString().endsWith(".lock"));
    Caches read = from("type=local,src=" + folder, "type=local,tag=other,src=" + folder);
    assertThat(read.imports())
        .extracting(entry -> entry.attributes().get("digest"))
        .containsExactly("sha256:3", "sha256:2");
    assertThat(notes).isEmpty();
  }

  @Test
  void aDaemonThatWroteACacheSaysWhich() {
    assertThatThrownBy(() -> to("type=local,dest=" + temp).list(Map.of()))
        .hasMessageContaining("did not tell which cache");
  }
}
