package dev.kiln.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.actors.ResultId;
import dev.kiln.grpc.fsutil.Stat;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.model.StepProgress;
import dev.kiln.store.ActiveRef;
import dev.kiln.store.Lease;
import dev.kiln.store.LocalStore;
import dev.kiln.store.RefOptions;
import dev.kiln.store.StoreOptions;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Fd;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** B-06 to B-08: files of results, with real mounts. */
class StoreRefFilesTest {
  @TempDir Path folder;
  private LocalStore store;
  private Lease lease;
  private RefFiles files;
  private Optional<ResultId> result = Optional.empty();

  @BeforeEach
  void open() throws Exception {
    store = LocalStore.open(StoreOptions.of(folder, "native"));
    lease = store.leases().open("test");
    files = new StoreRefFiles(store.refs());
    try (ActiveRef active =
        store.refs().create(lease, Optional.empty(), RefOptions.of("made"), StepProgress.NONE)) {
      Path root = active.mount();
      Files.createDirectories(root.resolve("dir"));
      Files.writeString(root.resolve("dir/file"), "12345");
      Files.createSymbolicLink(root.resolve("absolute"), Path.of("/dir/file"));
      Files.createSymbolicLink(root.resolve("out"), Path.of("../../../dir"));
      Files.createSymbolicLink(root.resolve("dangling"), Path.of("none"));
      result = Optional.of(new ResultId(active.commit().id().value()));
    }
  }

  @AfterEach
  void close() {
    lease.close();
    store.close();
  }

  @Test
  void statFollowsLinksInsideTheResult() throws Exception {
    Stat file = files.statFile(result, "absolute");
    assertThat(file.getPath()).isEqualTo("file");
    assertThat(file.getSize()).isEqualTo(5);
    assertThat(file.getLinkname()).isEmpty();
    assertThat(files.statFile(result, "out").getPath()).isEqualTo("dir");
    assertThat(files.statFile(result, "/out/file").getSize()).isEqualTo(5);
  }

  @Test
  void aLinkToNothingIsMissing() {
    assertThatThrownBy(() -> files.statFile(result, "dangling"))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.NOT_FOUND))
        .hasMessageContaining("dangling: no such file or directory");
  }

  @Test
  void aListingTellsOfTheLinksThemselves() throws Exception {
    assertThat(files.readDir(result, "/", "absolute"))
        .extracting(Stat::getPath, Stat::getLinkname)
        .containsExactly(org.assertj.core.groups.Tuple.tuple("absolute", "/dir/file"));
  }

  @Test
  @Timeout(value = 20, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void onlyRegularFilesAreRead() throws Exception {
    try (ActiveRef active =
        store.refs().create(lease, Optional.empty(), RefOptions.of("odd"), StepProgress.NONE)) {
      try (Fd root = Fd.directory(active.mount())) {
        root.mknod(
            BytePath.of("Dockerfile"),
            dev.kiln.sys.Stat.S_IFIFO | 0644,
            dev.kiln.sys.Stat.Device.NONE);
        root.mknod(
            BytePath.of(".dockerignore"),
            dev.kiln.sys.Stat.S_IFCHR | 0644,
            new dev.kiln.sys.Stat.Device(1, 5));
      }
      result = Optional.of(new ResultId(active.commit().id().value()));
    }
    assertThatThrownBy(() -> files.readFile(result, "Dockerfile", 0, -1))
        .isInstanceOf(BuildException.class)
        .hasMessage("Dockerfile of the result is a fifo: only a regular file is read");
    assertThatThrownBy(() -> files.readFile(result, ".dockerignore", 0, 100))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("is a device");
    assertThatThrownBy(() -> files.readFile(result, "/", 0, -1))
        .hasMessageContaining("is a directory");
  }

  @Test
  void aPathWithANulIsRefused() {
    String said = "invalid path: a file name with a NUL byte: dir\\0/file";
    assertThatThrownBy(() -> files.readFile(result, "dir\0/file", 0, -1)).hasMessage(said);
    assertThatThrownBy(() -> files.readDir(result, "dir\0/file", "")).hasMessage(said);
    assertThatThrownBy(() -> files.statFile(result, "dir\0/file"))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INVALID))
        .hasMessage(said);
  }
}
