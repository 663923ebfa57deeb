package dev.kiln.ops.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.actors.OpContext;
import dev.kiln.actors.ResultLease;
import dev.kiln.llb.FileAction;
import dev.kiln.llb.FileAction.ByName;
import dev.kiln.llb.FileAction.MkDir;
import dev.kiln.llb.FileAction.MkFile;
import dev.kiln.llb.FileAction.Owner;
import dev.kiln.llb.FileOp;
import dev.kiln.llb.Vertex;
import dev.kiln.llb.VertexOptions;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.StepProgress;
import dev.kiln.ops.StoreLeases;
import dev.kiln.store.LocalStore;
import dev.kiln.store.RefId;
import dev.kiln.store.Store;
import dev.kiln.store.StoreOptions;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Steps are run in the order in which they need each other, however long the row. */
@Timeout(60)
class FileOpRunTest {
  @TempDir Path folder;
  private Store store;
  private ResultLease lease;

  @BeforeEach
  void open() {
    store = LocalStore.open(StoreOptions.of(folder, "native"));
    lease = new StoreLeases(store).open("test");
  }

  @AfterEach
  void close() {
    lease.close();
    store.close();
  }

  private List<Optional<RefId>> run(List<FileOp.Step> steps) throws Exception {
    var op = new FileOp(steps);
    var vertex =
        new Vertex(
            Digest.of("v"),
            Digest.of("v"),
            op,
            List.of(),
            Optional.empty(),
            VertexOptions.NONE,
            "",
            new byte[0]);
    try (var run = new FileOpRun(store.refs(), vertex, op, List.of(), context())) {
      return run.outputs();
    }
  }

  private OpContext context() {
    return (OpContext)
        Proxy.newProxyInstance(
            OpContext.class.getClassLoader(),
            new Class<?>[] {OpContext.class},
            (_, method, _) ->
                switch (method.getName()) {
                  case "lease" -> lease;
                  case "progress" -> StepProgress.NONE;
                  default -> throw new AssertionError("not needed: " + method);
                });
  }

  private static MkDir mkdir(Optional<Owner> owner) {
    return new MkDir("/a", 0755, true, owner, -1);
  }

  private static FileOp.Step step(int input, int output, FileAction action) {
    return new FileOp.Step(input, FileOp.NONE, output, action);
  }

  @Test
  void aRowOfAnyLengthIsRun() throws Exception {
    int length = 50_000;
    var steps = new ArrayList<FileOp.Step>();
    for (int i = 0; i < length; i++) {
      steps.add(step(i - 1, i == length - 1 ? 0 : FileOp.NONE, mkdir(Optional.empty())));
    }
    assertThat(run(steps)).hasSize(1).allMatch(Optional::isPresent);
  }

  @Test
  void aRowOfOwnersOfAnyLengthIsRun() throws Exception {
    byte[] passwd = "u:x:7:7::/:\n".getBytes(StandardCharsets.UTF_8);
    var steps = new ArrayList<FileOp.Step>();
    steps.add(step(FileOp.NONE, FileOp.NONE, new MkDir("/etc", 0755, true, Optional.empty(), -1)));
    steps.add(step(0, 0, new MkFile("/etc/passwd", 0644, passwd, Optional.empty(), -1)));
    for (int i = 2; i < 5_000; i++) {
      // each names its owner by a state of its own, so that one needs the other
      var owner = new Owner(Optional.of(new ByName("u", 1)), Optional.of(new ByName("g", i - 1)));
      steps.add(step(i - 1, i == 4_999 ? 1 : FileOp.NONE, mkdir(Optional.of(owner))));
    }
    assertThat(run(steps)).hasSize(2).allMatch(Optional::isPresent);
  }

  @Test
  void stepsThatNeedEachOtherAreRefused() {
    assertThatThrownBy(() ->
            run(
                List.of(
                    step(1, FileOp.NONE, mkdir(Optional.empty())),
                    step(0, 0, mkdir(Optional.empty())))))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("loop from index");
  }

  @Test
  void anOwnerOfNoInputIsRefused() {
    var owner = new Owner(Optional.of(new ByName("u", 7)), Optional.empty());
    assertThatThrownBy(() -> run(List.of(step(FileOp.NONE, 0, mkdir(Optional.of(owner))))))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("invalid user index 7");
  }
}
