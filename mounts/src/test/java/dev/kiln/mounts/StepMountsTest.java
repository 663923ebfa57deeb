package dev.kiln.mounts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.exec.ContainerMount;
import dev.kiln.llb.ExecOp;
import dev.kiln.llb.MountOptions;
import dev.kiln.model.BuildException;
import dev.kiln.model.StepProgress;
import dev.kiln.session.Sessions;
import dev.kiln.store.ActiveRef;
import dev.kiln.store.Lease;
import dev.kiln.store.LocalStore;
import dev.kiln.store.RefId;
import dev.kiln.store.RefOptions;
import dev.kiln.store.StoreOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With a real store and real mounts: runs as root on Linux. */
class StepMountsTest {
  private static final MountOptions BIND = new MountOptions.Bind();

  @TempDir Path temp;
  private LocalStore store;
  private Lease lease;
  private StepMounts mounts;
  private RefId input;

  @BeforeEach
  void open() throws Exception {
    store = LocalStore.open(StoreOptions.of(temp.resolve("store"), "native"));
    lease = store.leases().open("test");
    mounts = new StepMounts(store.refs(), temp.resolve("scratch"));
    try (ActiveRef active =
        store.refs().create(lease, Optional.empty(), RefOptions.of("input"), StepProgress.NONE)) {
      Files.writeString(active.mount().resolve("f"), "1");
      input = active.commit().id();
    }
  }

  @AfterEach
  void close() {
    lease.close();
    store.close();
  }

  private static ExecOp.Mount mount(
      String dest, OptionalInt input, OptionalInt output, boolean readOnly, MountOptions options) {
    return new ExecOp.Mount(
        dest, input, "", output, readOnly, options, "", ExecOp.ContentCache.DEFAULT);
  }

  private static ExecOp.Mount root() {
    return mount("/", OptionalInt.of(0), OptionalInt.of(0), false, BIND);
  }

  private PreparedMounts prepare(ExecOp.Mount... all) throws InterruptedException {
    return mounts.prepare(
        new StepMounts.Request(
            "RUN",
            "/work",
            List.of(all),
            List.of(Optional.of(input)),
            lease,
            new Sessions().group(List.of()),
            StepProgress.NONE));
  }

  @Test
  void memoryAndReadOnlyInputsLieWhereTheyAreWantedOuterFirst() throws Exception {
    var tmpfs = new MountOptions.Tmpfs(OptionalLong.of(1 << 20));
    var any = new MountOptions.Tmpfs(OptionalLong.empty());
    try (PreparedMounts prepared =
        prepare(
            mount("/z/inner", OptionalInt.of(0), OptionalInt.empty(), true, BIND),
            root(),
            mount("relative/../here", OptionalInt.empty(), OptionalInt.empty(), true, any),
            mount("/z", OptionalInt.empty(), OptionalInt.empty(), false, tmpfs))) {
      assertThat(prepared.rootfs().resolve("f")).hasContent("1");
      assertThat(prepared.mounts())
          .extracting(ContainerMount::destination)
          .containsExactly("/work/here", "/z", "/z/inner");
      assertThat(prepared.mounts().get(0))
          .isEqualTo(new ContainerMount.Tmpfs("/work/here", 0, true));
      assertThat(prepared.mounts().get(1))
          .isEqualTo(new ContainerMount.Tmpfs("/z", 1 << 20, false));
      assertThat(prepared.mounts().get(2))
          .isInstanceOfSatisfying(
              ContainerMount.Bind.class,
              bind -> {
                assertThat(bind.readonly()).isTrue();
                assertThat(bind.root().resolve("f")).hasContent("1");
              });
    }
  }

  @Test
  void aRootMustBeAFileSystemWithSomethingToBeBuiltOn() {
    var tmpfs = new MountOptions.Tmpfs(OptionalLong.empty());
    assertThatThrownBy(
            () -> prepare(mount("/", OptionalInt.empty(), OptionalInt.empty(), false, tmpfs)))
        .isInstanceOf(BuildException.class)
        .hasMessage("invalid mount type TMPFS for /");
    assertThatThrownBy(
            () -> prepare(mount("/", OptionalInt.empty(), OptionalInt.empty(), false, BIND)))
        .hasMessage("mount / has no input");
    assertThatThrownBy(
            () -> prepare(root(), mount("/x", OptionalInt.of(7), OptionalInt.empty(), true, BIND)))
        .hasMessage("missing input 7");
    assertThatThrownBy(this::prepare).hasMessage("no root mount");
  }

  @Test
  void whatAFailedPreparationHadTakenIsGivenBack() throws Exception {
    var secret = new MountOptions.Secret("", 0, 0, 0400, false);
    var cache =
        new MountOptions.Cache(
            Optional.of(new MountOptions.CacheOptions("id", MountOptions.CacheSharing.LOCKED)));
    var locked = mount("/cache", OptionalInt.empty(), OptionalInt.empty(), false, cache);
    assertThatThrownBy(() ->
            prepare(
                root(),
                locked,
                mount("/s", OptionalInt.empty(), OptionalInt.empty(), false, secret)))
        .hasMessageContaining("secret ID missing");
    try (PreparedMounts prepared = prepare(root(), locked)) { // it would wait for ever else
      assertThat(prepared.mounts()).hasSize(1);
    }
    assertThat(temp.resolve("scratch")).isEmptyDirectory();
  }
}
