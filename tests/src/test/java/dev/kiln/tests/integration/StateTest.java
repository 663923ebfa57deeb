package dev.kiln.tests.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.tests.support.Distribution;
import dev.kiln.tests.support.Distribution.Run;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** What a daemon keeps on disk: from version to version, and from everybody else. */
class StateTest {
  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path dir;

  private Path context() throws IOException {
    Path context = Files.createDirectory(dir.resolve("context"));
    Files.writeString(context.resolve("file"), "kept\n");
    Files.setPosixFilePermissions(
        context.resolve("file"), PosixFilePermissions.fromString("rw-r--r--"));
    Files.writeString(
        context.resolve("Dockerfile"),
        "FROM scratch AS base\nCOPY file /file\nFROM scratch\nCOPY --from=base /file /copy\n");
    return context;
  }

  /** The archive holds the root after one build of {@link #context}, with databases unnumbered. */
  @Test
  void aStateOfBeforeSchemasHadNumbersOpensAndItsCacheHits() throws Exception {
    Path root = Files.createDirectory(dir.resolve("root"));
    Path archive = dir.resolve("state.tar.gz");
    try (InputStream in =
        Objects.requireNonNull(
            StateTest.class.getResourceAsStream("/state/before-versions.tar.gz"))) {
      Files.copy(in, archive);
    }
    Run unpacked =
        Distribution.await(
            new ProcessBuilder("tar", "-xzf", archive.toString(), "-C", root.toString())
                .redirectErrorStream(true)
                .start());
    assertThat(unpacked.code()).as(unpacked.output()).isZero();
    Files.writeString(dir.resolve("worker.toml"), "snapshotter = \"native\"\ngc = false\n");
    for (int start = 1; start <= 2; start++) {
      try (var daemon = Distribution.start(dir)) {
        Run run = Distribution.await(daemon.build(start == 1 ? context() : dir.resolve("context")));
        assertThat(run.code()).as(run.output()).isZero();
        assertThat(run.output().lines().filter(line -> line.endsWith("CACHED"))).hasSize(2);
        daemon.closeClean();
      }
    }
    try (Stream<Path> left = Files.list(root)) {
      assertThat(left.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder("buildkitd.lock", "kiln");
    }
  }

  @Test
  void nobodyElseCanWriteToStateProgramOrSockets() throws Exception {
    try (var daemon = Distribution.start(dir, Map.of("KILN_WARM_UP", "off"))) {
      Run run = Distribution.await(daemon.build(context()));
      assertThat(run.code()).as(run.output()).isZero();
      var wrong = new ArrayList<String>();
      for (Path file : tree(daemon.root())) {
        boolean ofALayer = file.toString().contains("/snapshots/");
        String mode = mode(file);
        if (Files.isDirectory(file) && !ofALayer && !mode.equals("rwx------")
            || mode.charAt(7) == 'w' && !ofALayer) {
          wrong.add(mode + " " + file);
        }
      }
      for (Path file : tree(Distribution.home())) {
        if (mode(file).charAt(4) == 'w' || mode(file).charAt(7) == 'w') {
          wrong.add(mode(file) + " " + file);
        }
      }
      assertThat(wrong).isEmpty();
      assertThat(mode(Distribution.home().resolve("lib/kiln.aot"))).isEqualTo("rw-r--r--");
      assertThat(mode(dir.resolve("sock"))).isEqualTo("rw-rw----");
      assertThat(mode(dir.resolve("otel.sock"))).isEqualTo("rw-rw-rw-"); // steps of any user
      daemon.closeClean();
    }
  }

  private static List<Path> tree(Path top) throws IOException {
    try (Stream<Path> all = Files.walk(top)) {
      return all.filter(file -> !Files.isSymbolicLink(file)).toList();
    }
  }

  private static String mode(Path file) throws IOException {
    return PosixFilePermissions.toString(
        Files.getPosixFilePermissions(file, LinkOption.NOFOLLOW_LINKS));
  }
}
