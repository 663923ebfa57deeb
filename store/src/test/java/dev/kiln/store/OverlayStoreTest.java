package dev.kiln.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class OverlayStoreTest extends StoreTest {
  @Override
  String snapshotter() {
    return "overlayfs";
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
