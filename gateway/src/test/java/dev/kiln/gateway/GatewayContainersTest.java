package dev.kiln.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.exec.ContainerSpec;
import dev.kiln.exec.Executor;
import dev.kiln.exec.ExitStatus;
import dev.kiln.exec.ProcessIo;
import dev.kiln.exec.ProcessSpec;
import dev.kiln.exec.RunningProcess;
import dev.kiln.grpc.gateway.NewContainerRequest;
import dev.kiln.grpc.pb.Mount;
import dev.kiln.llb.Entitlements;
import dev.kiln.model.BuildException;
import dev.kiln.model.StepProgress;
import dev.kiln.mounts.StepMounts;
import dev.kiln.session.Sessions;
import dev.kiln.store.ActiveRef;
import dev.kiln.store.Lease;
import dev.kiln.store.LocalStore;
import dev.kiln.store.RefId;
import dev.kiln.store.RefOptions;
import dev.kiln.store.StoreOptions;
import dev.kiln.tracing.Blocking;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With a real store; no process is run. */
class GatewayContainersTest {
  private static final Executor NO_EXECUTOR =
      new Executor() {
        @Override
        public ExitStatus run(
            ContainerSpec container,
            ProcessSpec process,
            ProcessIo io,
            Consumer<RunningProcess> on) {
          throw new UnsupportedOperationException();
        }

        @Override
        public ExitStatus exec(
            String id, ProcessSpec process, ProcessIo io, Consumer<RunningProcess> on) {
          throw new UnsupportedOperationException();
        }

        @Override
        public void close() {}
      };

  @TempDir Path folder;

  @Test
  void aContainerThatIsRefusedLeavesNoStateBehind() throws Exception {
    try (LocalStore store = LocalStore.open(StoreOptions.of(folder.resolve("store"), "native"));
        Lease lease = store.leases().open("test")) {
      RefId root;
      try (ActiveRef made =
          store.refs().create(lease, Optional.empty(), RefOptions.of("made"), StepProgress.NONE)) {
        root = made.commit().id();
      }
      var services =
          new GatewayContainers.Services(
              store,
              NO_EXECUTOR,
              new StepMounts(store.refs(), folder.resolve("scratch")),
              new Sessions(),
              Blocking::onPlatform);
      List<Path> before = snapshots();
      try (var containers =
          new GatewayContainers(services, "build", List.of(), Entitlements.NONE)) {
        NewContainerRequest asked =
            NewContainerRequest.newBuilder()
                .setContainerID("c")
                .addMounts(Mount.newBuilder().setDest("/").setResultID(root.value()))
                .setNetworkValue(99)
                .build();
        assertThatThrownBy(
                () -> containers.create(asked, id -> Optional.empty(), root.value()::equals))
            .isInstanceOf(BuildException.class)
            .hasMessage("unknown network mode");
        NewContainerRequest.Builder many = NewContainerRequest.newBuilder().setContainerID("c");
        for (int i = 0; i < 1_001; i++) {
          many.addMounts(Mount.newBuilder().setDest("/" + i).setResultID(root.value()));
        }
        assertThatThrownBy(
                () -> containers.create(many.build(), id -> Optional.empty(), root.value()::equals))
            .isInstanceOf(BuildException.class)
            .hasMessageStartingWith("1001 mounts of one container: the most is 1000");
      }
      assertThat(snapshots()).isEqualTo(before);
    }
  }

  private List<Path> snapshots() throws Exception {
    try (Stream<Path> all = Files.walk(folder.resolve("store"), 3)) {
      return all.filter(p -> Files.isDirectory(p)).sorted().toList();
    }
  }
}
