package dev.kiln.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import dev.kiln.model.StepProgress;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A store whose process is killed, or whose machine stops. Runs as root on Linux. */
class CrashTest {
  @TempDir Path temp;

  private StoreOptions options(String bootId) {
    return options(temp.resolve("store"), bootId);
  }

  /** Never synced in passing, so that it is known what was. */
  private static StoreOptions options(Path root, String bootId) {
    return new StoreOptions(
        root, "overlayfs", Clock.systemUTC(), bootId, Optional.of(Duration.ofDays(1)));
  }

  /** Makes states for ever and prints the id of each that was acknowledged. */
  static final class Victim {
    public static void main(String[] args) throws Exception {
      Store store = LocalStore.open(options(Path.of(args[0]), args[1]));
      Lease lease = store.leases().open("victim");
      Optional<RefId> at = Optional.empty();
      while (true) {
        try (ActiveRef active =
            store.refs().create(lease, at, RefOptions.of("x"), StepProgress.NONE)) {
          Files.writeString(active.mount().resolve("id"), active.id().value());
          active.commit();
          store.refs().flush();
          System.out.println(active.id());
          at = Optional.of(active.id());
        }
      }
    }
  }

  private List<String> killedAfter(int states, String bootId) throws Exception {
    Process victim =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Victim.class.getName(),
                temp.resolve("store").toString(),
                bootId)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    var acknowledged = new ArrayList<String>();
    try (var lines =
        new BufferedReader(
            new InputStreamReader(victim.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine();
          line != null && acknowledged.size() < states;
          line = lines.readLine()) {
        acknowledged.add(line);
      }
    } finally {
      victim.destroyForcibly();
      victim.waitFor();
    }
    assertThat(acknowledged).hasSize(states);
    return acknowledged;
  }

  @Test
  void aKilledProcessLosesNothingAcknowledged() throws Exception {
    for (int round = 1; round <= 3; round++) {
      List<String> acknowledged = killedAfter(7 * round, "boot");
      try (Store store = LocalStore.open(options("boot"));
          Lease lease = store.leases().open("test")) {
        for (String id : acknowledged) {
          store.refs().get(lease, new RefId(id));
          try (View view = store.refs().view(new RefId(id), StepProgress.NONE)) {
            assertThat(view.root().resolve("id")).hasContent(id);
          }
        }
        var recorded = store.refs().usage(List.of(), Duration.ZERO).size();
        try (var layers = Files.list(temp.resolve("store/snapshots"))) {
          assertThat(layers.filter(p -> p.getFileName().toString().matches("[0-9]+")))
              .as("what was half-made is collected")
              .hasSize(recorded);
        }
      }
      assertThat(Files.readString(Path.of("/proc/self/mounts"))).doesNotContain(temp.toString());
    }
  }

  @Test
  void aStoppedMachineLosesWhatWasNotSynced() throws Exception {
    String kept;
    try (Store store = LocalStore.open(options("boot"));
        Lease lease = store.leases().open("test");
        ActiveRef active =
            store.refs().create(lease, Optional.empty(), RefOptions.of("x"), StepProgress.NONE)) {
      active.mount();
      kept = active.commit().id().value();
    }
    List<String> unsynced = killedAfter(1, "boot");
    try (Store store = LocalStore.open(options("another boot"));
        Lease lease = store.leases().open("test")) {
      store.refs().get(lease, new RefId(kept));
      for (String id : unsynced) {
        assertThatThrownBy(() -> store.refs().get(lease, new RefId(id)))
            .isInstanceOf(BuildException.class);
      }
    }
  }
}
