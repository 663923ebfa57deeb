package dev.kiln.mounts;

import dev.kiln.exec.ContainerMount;
import dev.kiln.store.ActiveRef;
import dev.kiln.store.RefId;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The root directory and mounts of one container, ready for the executor. One thread at a time; who
 * asked for it closes it, which gives everything back and drops what was not committed.
 */
public final class PreparedMounts implements AutoCloseable {
  private final Path rootfs;
  private final boolean readonlyRootfs;
  private final List<ContainerMount> mounts;
  private final List<Optional<RefId>> inputs;
  private final List<Output> outputs;
  private final List<Scratch> scratch;
  private final List<Optional<RefId>> committed = new ArrayList<>();
  private final List<AutoCloseable> held;

  /** What becomes output: a state that was written, or an input as it came. */
  sealed interface Output {
    int mount();

    record Written(int mount, ActiveRef state) implements Output {}

    record Passed(int mount, RefId ref) implements Output {}
  }

  /** A state that was written but is no output. */
  record Scratch(int mount, ActiveRef state) {}

  PreparedMounts(
      Path rootfs,
      boolean readonlyRootfs,
      List<ContainerMount> mounts,
      List<Optional<RefId>> inputs,
      List<Output> outputs,
      List<Scratch> scratch,
      List<AutoCloseable> held) {
    this.rootfs = rootfs;
    this.readonlyRootfs = readonlyRootfs;
    this.mounts = List.copyOf(mounts);
    this.inputs = List.copyOf(inputs);
    this.outputs = List.copyOf(outputs);
    this.scratch = List.copyOf(scratch);
    this.held = held;
  }

  public Path rootfs() {
    return rootfs;
  }

  public boolean readonlyRootfs() {
    return readonlyRootfs;
  }

  /** All but the root, parents first. */
  public List<ContainerMount> mounts() {
    return mounts;
  }

  /** Ends the writing of the outputs and yields them, in order, held by the lease. */
  public List<RefId> commit() {
    var refs = new ArrayList<RefId>();
    for (Output output : outputs) {
      refs.add(
          switch (output) {
            case Output.Written(_, var state) -> state.commit().id();
            case Output.Passed(_, var ref) -> ref;
          });
    }
    refs.forEach(ref -> committed.add(Optional.of(ref)));
    return refs;
  }

  /** For each mount the ref it was made from, or an empty text; for a debugger. */
  public List<String> inputIds() {
    return inputs.stream().map(ref -> ref.map(RefId::value).orElse("")).toList();
  }

  /**
   * For each mount the ref that shows what a failed step left there, or an empty text; commits what
   * was written without being an output. Called after {@link #commit}.
   */
  public List<String> mountIds() {
    var ids = new ArrayList<>(inputIds());
    for (int i = 0; i < committed.size(); i++) {
      ids.set(outputs.get(i).mount(), committed.get(i).map(RefId::value).orElse(""));
    }
    for (Scratch s : scratch) {
      ids.set(s.mount(), s.state().commit().id().value());
    }
    return ids;
  }

  @Override
  public void close() {
    for (AutoCloseable one : held.reversed()) {
      StepMounts.close(one);
    }
    held.clear();
  }
}
