package dev.kiln.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.config.ConfigException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StateFolderTest {
  @TempDir Path dir;
  private Path root = Path.of("");
  private Path own = Path.of("");

  @BeforeEach
  void nameFolders() {
    root = dir.resolve("root");
    own = root.resolve("kiln");
  }

  private void write(String name, String text) throws IOException {
    Path file = root.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private void writeBolt(String name) throws IOException {
    write(name, "");
    var page = ByteBuffer.allocate(4096).order(ByteOrder.nativeOrder()).putInt(16, 0xED0CDAED);
    Files.write(root.resolve(name), page.array());
  }

  /** Files below the root but for the lock, and what is in them. */
  private Map<String, String> files() throws IOException {
    var all = new TreeMap<String, String>();
    try (Stream<Path> tree = Files.walk(root)) {
      for (Path file : tree.filter(Files::isRegularFile).toList()) {
        if (!file.endsWith("buildkitd.lock")) {
          all.put(
              root.relativize(file).toString(),
              Files.readString(file, StandardCharsets.ISO_8859_1));
        }
      }
    }
    return all;
  }

  private void take() throws IOException {
    try (StateFolder state = StateFolder.take(root)) {
      assertThat(state.path()).isEqualTo(own);
      assertThat(Files.getPosixFilePermissions(own))
          .isEqualTo(PosixFilePermissions.fromString("rwx------"));
    }
  }

  @Test
  void isOfItsOwnBelowTheRoot() throws IOException {
    take();
    assertThat(files()).isEmpty();
  }

  @Test
  void oneDaemonHasARootAtATime() throws IOException {
    try (StateFolder _ = StateFolder.take(root)) {
      assertThatThrownBy(() -> StateFolder.take(root))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining("could not lock " + root.resolve("buildkitd.lock"));
    }
    take();
  }

  @Test
  void whatBuildkitdKeepsInTheRootStays() throws IOException {
    for (String name :
        new String[] {
          "cache.db",
          "history.db",
          "runc-overlayfs/metadata_v2.db",
          "runc-overlayfs/containerdmeta.db",
          "runc-overlayfs/snapshots/metadata.db"
        }) {
      writeBolt(name);
    }
    write("runc-overlayfs/content/blobs/sha256/a", "blob");
    write("net/cni/a", "namespace");
    Map<String, String> before = files();
    take();
    assertThat(files()).isEqualTo(before);
  }

  @Test
  void theStateOfAnEarlierVersionMovesIn() throws IOException {
    var earlier =
        Map.of(
            "cache.db", "SQLite format 3\0",
            "cache.db-wal", "log",
            "history.db", "SQLite format 3\0",
            "runc-native/records.db", "SQLite format 3\0",
            "runc-native/content/blobs/sha256/a", "blob",
            "net/answers/a", "answer");
    for (var file : earlier.entrySet()) {
      write(file.getKey(), file.getValue());
    }
    write("somebody's", "file");
    take();
    var moved = new TreeMap<>(Map.of("somebody's", "file"));
    earlier.forEach((name, text) -> moved.put("kiln/" + name, text));
    assertThat(files()).isEqualTo(moved);
    take();
    assertThat(files()).isEqualTo(moved);
  }

  @Test
  void aMoveThatWasCutShortGoesOn() throws IOException {
    write("kiln.moving/runc-native/records.db", "SQLite format 3\0");
    write("cache.db", "SQLite format 3\0");
    Files.setPosixFilePermissions(
        root.resolve("kiln.moving"), PosixFilePermissions.fromString("rwx------"));
    take();
    assertThat(files()).containsOnlyKeys("kiln/cache.db", "kiln/runc-native/records.db");
  }

  @Test
  void anEarlierStateThatIsMixedWithBuildkitdsStays() throws IOException {
    write("cache.db", "SQLite format 3\0");
    write("runc-overlayfs/records.db", "SQLite format 3\0");
    writeBolt("runc-overlayfs/metadata_v2.db");
    Map<String, String> before = files();
    take();
    assertThat(files()).isEqualTo(before);
  }

  @Test
  void somebodyElsesStateInTheOwnFolderIsRefusedByName() throws IOException {
    writeBolt("kiln/runc-overlayfs/metadata_v2.db");
    Map<String, String> before = files();
    assertThatThrownBy(() -> StateFolder.take(root))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining(own + " holds the state of buildkitd or containerd")
        .hasMessageContaining("metadata_v2.db")
        .hasMessageContaining("--root");
    assertThat(files()).isEqualTo(before);
  }
}
