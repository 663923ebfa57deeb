package dev.kiln.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.model.StepProgress;
import dev.kiln.store.snapshot.LayerFormat;
import dev.kiln.sys.BytePath;
import java.nio.file.Files;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class OverlayStoreTest extends StoreTest {
  @Override
  String snapshotter() {
    return "overlayfs";
  }

  @Test
  void aDirectoryThatIsOnlyTouchedKeepsItsTime() throws Exception {
    FileTime then = FileTime.from(Instant.ofEpochSecond(1_234_567_890));
    RefId base = make(Optional.empty(), root -> Files.createDirectory(root.resolve("d")));
    RefId touched =
        make(Optional.of(base), root -> Files.setLastModifiedTime(root.resolve("d"), then));
    try (View view = store.refs().view(touched, StepProgress.NONE)) {
      assertThat(Files.getLastModifiedTime(view.root().resolve("d"))).isEqualTo(then);
    }
  }

  @Test
  void aStateWithNothingBelowIsSeenWithoutAMount() throws Exception {
    RefId base = make(Optional.empty(), root -> Files.writeString(root.resolve("f"), "x"));
    RefId above = make(Optional.of(base), root -> Files.writeString(root.resolve("g"), "y"));
    try (View view = store.refs().view(base, StepProgress.NONE);
        View mounted = store.refs().view(above, StepProgress.NONE)) {
      assertThat(Files.getFileStore(view.root()).type()).isNotEqualTo("overlay");
      assertThat(Files.getFileStore(mounted.root()).type()).isEqualTo("overlay");
    }
    assertThat(tree(base)).containsExactly("f=x");
  }

  @Test
  void aWhiteoutWithNothingBelowIsNotSeen() throws Exception {
    RefId base =
        make(
            Optional.empty(),
            root -> {
              Files.createDirectory(root.resolve("d"));
              LayerFormat.whiteout(BytePath.of(root.resolve("d").resolve("gone")));
              Files.writeString(root.resolve("f"), "x");
            });
    try (View view = store.refs().view(base, StepProgress.NONE)) {
      assertThat(view.root().resolve("d")).isEmptyDirectory();
    }
  }

  @Test
  void aChainMayBeLongerThanTheKernelTakes() throws Exception {
    Optional<RefId> at = Optional.empty();
    for (int i = 0; i < 520; i++) {
      int n = i;
      at =
          Optional.of(
              make(
                  at,
                  root -> {
                    Files.writeString(root.resolve("last"), Integer.toString(n));
                    if (n % 100 == 0) {
                      Files.writeString(root.resolve("f" + n), "x");
                    }
                    if (n == 450) {
                      Files.delete(root.resolve("f0"));
                    }
                  }));
    }
    assertThat(tree(at.orElseThrow()))
        .containsExactly("f100=x", "f200=x", "f300=x", "f400=x", "f500=x", "last=519");
  }
}
