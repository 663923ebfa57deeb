package dev.kiln.exporters.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.exporters.ExportContext;
import dev.kiln.exporters.ExportContext.InlineCache;
import dev.kiln.exporters.ExportSource.Statement;
import dev.kiln.model.Attestation;
import dev.kiln.model.Attestation.AttestationKind;
import dev.kiln.model.StepProgress;
import dev.kiln.session.tree.TreeEntry;
import dev.kiln.store.ActiveRef;
import dev.kiln.store.Lease;
import dev.kiln.store.LocalStore;
import dev.kiln.store.RefId;
import dev.kiln.store.RefOptions;
import dev.kiln.store.StoreOptions;
import dev.kiln.sys.BytePath;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** statements beside exported files. */
class ResultTreeTest {
  @TempDir Path folder;
  private LocalStore store;
  private Lease lease;

  @BeforeEach
  void open() {
    store = LocalStore.open(StoreOptions.of(folder, "native"));
    lease = store.leases().open("test");
  }

  @AfterEach
  void close() {
    lease.close();
    store.close();
  }

  private static Statement statement(String path) {
    return new Statement(
        new Attestation(
            AttestationKind.IN_TOTO,
            Map.of(),
            path,
            "{\"a\":1}".getBytes(StandardCharsets.UTF_8),
            "https://example.com/type",
            List.of()),
        Optional.empty());
  }

  private RefId files() throws Exception {
    try (ActiveRef active =
        store.refs().create(lease, Optional.empty(), RefOptions.of("made"), StepProgress.NONE)) {
      Files.writeString(active.mount().resolve("file"), "content");
      return active.commit().id();
    }
  }

  private ResultTree tree(Map<String, String> options, String... paths) throws Exception {
    return ResultTree.open(
        store.refs(),
        Optional.of(files()),
        "linux/amd64",
        List.of(paths).stream().map(ResultTreeTest::statement).toList(),
        FilesOptions.parse(options),
        new ExportContext("", lease, StepProgress.NONE, InlineCache.NONE));
  }

  private static List<String> paths(ResultTree tree) throws Exception {
    var all = new ArrayList<TreeEntry>();
    tree.walk(all::add);
    return all.stream().map(entry -> entry.path().toString()).toList();
  }

  @Test
  void statementsLieAtTheRootWithThePrefix() throws Exception {
    try (ResultTree tree = tree(Map.of("attestation-prefix", "out."), "deep/sbom.json")) {
      assertThat(paths(tree)).containsExactly("file", "out.sbom.json");
      try (var in = tree.open(BytePath.of("out.sbom.json"))) {
        assertThat(new String(in.readAllBytes(), StandardCharsets.UTF_8))
            .contains("\"predicateType\": \"https://example.com/type\"")
            .contains("\"name\": \"file\"");
      }
    }
  }

  @Test
  void withoutAFolderForEachTheyAreNamedByPlatform() throws Exception {
    try (ResultTree tree = tree(Map.of("platform-split", "false"), "sbom.json")) {
      assertThat(paths(tree)).containsExactly("file", "sbom.linux_amd64.json");
    }
  }

  @Test
  void twoStatementsOfOneNameAreRefused() {
    assertThatThrownBy(() -> tree(Map.of(), "a/sbom.json", "b/sbom.json"))
        .hasMessage("duplicate attestation path name sbom.json");
  }
}
