package dev.kiln.session.tree;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.sys.BytePath;
import dev.kiln.sys.Fd;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FollowedPathsTest {
  @TempDir Path temp;

  @Test
  void linksAreFollowedToTheirEnds() throws Exception {
    Files.createDirectories(temp.resolve("real/below"));
    Files.createSymbolicLink(temp.resolve("link"), Path.of("real"));
    Files.createSymbolicLink(temp.resolve("loop"), Path.of("loop"));
    try (Fd root = Fd.directory(temp)) {
      assertThat(FollowedPaths.of(root, List.of("link/below")))
          .containsExactly("link", "real/below");
      assertThat(FollowedPaths.of(root, List.of("loop/x"))).containsExactly("loop");
      assertThat(FollowedPaths.of(root, List.of("l*"))).containsExactly("l*", "loop", "real");
      assertThat(FollowedPaths.of(root, List.of("real", "/"))).isEmpty();
    }
  }

  @Test
  void aChainOfLinksMayBeLong() throws Exception {
    int long_ = 5_000;
    try (Fd root = Fd.directory(temp)) {
      for (int i = 0; i < long_; i++) {
        root.symlink(BytePath.of("l" + (i + 1)), BytePath.of("l" + i));
      }
      assertThat(FollowedPaths.of(root, List.of("l0"))).hasSize(long_ + 1);
    }
  }
}
