package dev.kiln.ops.file;

import dev.kiln.actors.OpContext;
import dev.kiln.llb.FileAction.ById;
import dev.kiln.llb.FileAction.ByName;
import dev.kiln.llb.FileAction.Copy;
import dev.kiln.llb.FileAction.MkDir;
import dev.kiln.llb.FileAction.MkFile;
import dev.kiln.llb.FileAction.Owner;
import dev.kiln.llb.FileAction.Rm;
import dev.kiln.llb.FileAction.Symlink;
import dev.kiln.llb.FileAction.UserRef;
import dev.kiln.llb.FileOp;
import dev.kiln.llb.FileOp.Step;
import dev.kiln.llb.Vertex;
import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.Kind;
import dev.kiln.ops.StoreLeases;
import dev.kiln.store.ActiveRef;
import dev.kiln.store.RefId;
import dev.kiln.store.RefOptions;
import dev.kiln.store.Refs;
import dev.kiln.store.View;
import dev.kiln.sys.RefusedFileException;
import dev.kiln.sys.SyscallException;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * One run of a file op. A step that nobody else needs the state before works in the same writable
 * state as the step it follows, so a row of actions costs one mount. Confined to one thread; {@link
 * #close} unmounts and discards what did not become an output.
 */
final class FileOpRun implements AutoCloseable {
  /** What an index stands for: a finished state, or one that the next step writes on. */
  private sealed interface State {}

  private record Finished(Optional<RefId> ref) implements State {}

  private record Writable(ActiveRef active, RootedTree tree) implements State {}

  private final Refs refs;
  private final Vertex vertex;
  private final FileOp op;
  private final List<Optional<RefId>> inputs;
  private final OpContext context;
  private final Map<Integer, State> states = new HashMap<>();

  /** Indexes whose state must be kept as it is: outputs, and those that several steps take. */
  private final Set<Integer> kept = new HashSet<>();

  private final Map<RefId, RootedTree> views = new HashMap<>();
  private final List<AutoCloseable> opened = new ArrayList<>();

  FileOpRun(Refs refs, Vertex vertex, FileOp op, List<Optional<RefId>> inputs, OpContext context) {
    this.refs = refs;
    this.vertex = vertex;
    this.op = op;
    this.inputs = inputs;
    this.context = context;
  }

  /** Runs the steps that outputs are made of; the states are held by the context's lease. */
  List<Optional<RefId>> outputs() throws IOException, InterruptedException {
    Map<Integer, Integer> stepOf = plan();
    var results = new ArrayList<Optional<RefId>>();
    for (int output = 0; output < stepOf.size(); output++) {
      Integer index = stepOf.get(output);
      if (index == null) {
        throw invalid("missing output index " + output);
      }
      results.add(((Finished) state(index)).ref());
    }
    return results;
  }

  /** Checks all indexes; the answer maps outputs to the indexes of their steps. */
  private Map<Integer, Integer> plan() {
    Map<Integer, Integer> stepOf = new TreeMap<>();
    Set<Integer> taken = new HashSet<>();
    int limit = inputs.size() + op.steps().size();
    for (int i = 0; i < op.steps().size(); i++) {
      Step step = op.steps().get(i);
      check("input", step.input(), limit);
      check("secondary input", step.secondaryInput(), limit);
      nameInputs(step).forEach(index -> check("user", index, limit));
      for (int index : new int[] {step.input(), step.secondaryInput()}) {
        if (!taken.add(index)) {
          kept.add(index);
        }
      }
      if (step.output() != FileOp.NONE) {
        int index = inputs.size() + i;
        if (stepOf.put(step.output(), index) != null) {
          throw invalid("duplicate output " + step.output());
        }
        kept.add(index);
      }
    }
    if (stepOf.isEmpty()) {
      throw invalid("no outputs specified");
    }
    return stepOf;
  }

  private static void check(String what, int index, int limit) {
    if (index < FileOp.NONE || index >= limit) {
      throw invalid("invalid " + what + " index " + index + ", " + limit + " provided");
    }
  }

  private static BuildException invalid(String message) {
    return new BuildException(Kind.INVALID, message);
  }

  /**
   * The state of an index, and first those of the steps that it needs: a row of them, however long,
   * takes no more of the stack than one.
   */
  private State state(int wanted) throws IOException, InterruptedException {
    var path = new ArrayDeque<Integer>();
    Set<Integer> underWay = new HashSet<>();
    OptionalInt next = isMade(wanted) ? OptionalInt.empty() : OptionalInt.of(wanted);
    while (next.isPresent() || !path.isEmpty()) {
      if (next.isPresent()) {
        if (!underWay.add(next.getAsInt())) {
          throw invalid("loop from index " + next.getAsInt());
        }
        path.push(next.getAsInt());
      } else {
        int index = path.pop();
        states.put(index, step(index));
        underWay.remove(index);
      }
      next = path.isEmpty() ? OptionalInt.empty() : unmadeInput(path.element());
    }
    return made(wanted);
  }

  /** Indexes of the states whose files say what an owner's names mean. */
  private static IntStream nameInputs(Step step) {
    return step.action().owner().stream()
        .flatMap(owner -> Stream.concat(owner.user().stream(), owner.group().stream()))
        .flatMapToInt(
            ref -> ref instanceof ByName name ? IntStream.of(name.input()) : IntStream.empty());
  }

  private boolean isMade(int index) {
    return index < inputs.size() || states.containsKey(index);
  }

  private OptionalInt unmadeInput(int index) {
    Step step = op.steps().get(index - inputs.size());
    return IntStream.concat(IntStream.of(step.input(), step.secondaryInput()), nameInputs(step))
        .filter(input -> !isMade(input))
        .findFirst();
  }

  private State made(int index) {
    if (index == FileOp.NONE) {
      return new Finished(Optional.empty());
    }
    return index < inputs.size()
        ? new Finished(inputs.get(index))
        : Objects.requireNonNull(states.get(index));
  }

  private State step(int index) throws IOException, InterruptedException {
    Step step = op.steps().get(index - inputs.size());
    State before = made(step.input());
    State other = made(step.secondaryInput());
    Writable target =
        switch (before) {
          case Finished finished -> writable(finished.ref());
          case Writable writable -> writable;
        };
    try {
      act(step, target, other);
      if (!kept.contains(index)) {
        return target;
      }
      target.tree().close();
      return new Finished(Optional.of(target.active().commit().id()));
    } catch (BuildException e) {
      throw failed(e, index, target);
    } catch (SyscallException e) {
      throw failed(FileFailure.of(e, mountedAt(target)), index, target);
    } catch (RefusedFileException e) {
      throw failed(FileFailure.of(e, mountedAt(target)), index, target);
    }
  }

  private void act(Step step, Writable target, State other)
      throws IOException, InterruptedException {
    RootedTree tree = target.tree();
    switch (step.action()) {
      case MkDir a ->
          FileActions.mkdir(tree, a, FileActions.stamp(owner(a.owner()), a.timestampNanos()));
      case MkFile a ->
          FileActions.mkfile(tree, a, FileActions.stamp(owner(a.owner()), a.timestampNanos()));
      case Symlink a ->
          FileActions.symlink(tree, a, FileActions.stamp(owner(a.owner()), a.timestampNanos()));
      case Rm a -> FileActions.rm(tree, a);
      case Copy a -> {
        Stamp stamp = FileActions.stamp(owner(a.owner()), a.timestampNanos());
        FileActions.copy(readable(other), tree, a, stamp);
      }
    }
  }

  private Writable writable(Optional<RefId> parent) throws IOException, InterruptedException {
    ActiveRef active =
        refs.create(
            StoreLeases.of(context),
            parent,
            RefOptions.of(vertex.name().isEmpty() ? "fileop target" : vertex.name()),
            context.progress());
    opened.add(active);
    RootedTree tree = RootedTree.open(active.mount());
    opened.add(tree);
    return new Writable(active, tree);
  }

  private RootedTree readable(State state) throws IOException, InterruptedException {
    return switch (state) {
      case Writable writable -> writable.tree();
      case Finished(Optional<RefId> ref) when ref.isEmpty() -> writable(Optional.empty()).tree();
      case Finished(Optional<RefId> ref) -> view(ref.orElseThrow());
    };
  }

  private RootedTree view(RefId ref) throws IOException, InterruptedException {
    RootedTree known = views.get(ref);
    if (known != null) {
      return known;
    }
    View view = refs.view(ref, context.progress());
    opened.add(view);
    RootedTree tree = RootedTree.open(view.root());
    opened.add(tree);
    views.put(ref, tree);
    return tree;
  }

  /** A user's own group comes with it, unless a group is named too. */
  private Optional<Stamp.User> owner(Optional<Owner> owner)
      throws IOException, InterruptedException {
    if (owner.isEmpty()) {
      return Optional.empty();
    }
    Stamp.User user = new Stamp.User(0, 0);
    if (owner.get().user().isPresent()) {
      user =
          switch (owner.get().user().get()) {
            case ById(long id) -> new Stamp.User((int) id, (int) id);
            case ByName name -> Users.user(named(name), name.name()).orElse(user);
          };
    }
    if (owner.get().group().isPresent()) {
      UserRef group = owner.get().group().get();
      int gid =
          switch (group) {
            case ById(long id) -> (int) id;
            case ByName name -> Users.group(named(name), name.name()).orElse(user.gid());
          };
      user = new Stamp.User(user.uid(), gid);
    }
    return Optional.of(user);
  }

  private RootedTree named(ByName name) throws IOException, InterruptedException {
    if (name.input() < 0) {
      throw invalid("invalid user index: " + name.input());
    }
    return readable(made(name.input()));
  }

  /** The failure with what a debugger needs: the inputs, and the states that steps left. */
  private BuildException failed(BuildException e, int index, Writable target) {
    if (e.kind() == Kind.CANCELED) {
      return e;
    }
    List<String> mounts = new ArrayList<>(Collections.nCopies(op.steps().size(), ""));
    mounts.set(index - inputs.size(), left(target));
    Set<ActiveRef> told = new HashSet<>(Set.of(target.active()));
    for (int i = op.steps().size() - 1; i >= 0; i--) { // of steps in one state, the last left it so
      State state = states.get(inputs.size() + i);
      if (state instanceof Finished(Optional<RefId> ref)) {
        mounts.set(i, ref.map(RefId::value).orElse(""));
      } else if (state instanceof Writable writable && told.add(writable.active())) {
        mounts.set(i, left(writable));
      }
    }
    return e.with(
        new Detail.SolveFailed(
            inputs.stream().map(i -> i.map(RefId::value).orElse("")).toList(),
            mounts,
            vertex.opBytes(),
            index - inputs.size(),
            -1,
            vertex.options().description()));
  }

  private static String left(Writable target) {
    try {
      target.tree().close();
      return target.active().commit().id().value();
    } catch (RuntimeException e) { // only the debugger misses it: the step's own failure is told
      return "";
    }
  }

  private List<String> mountedAt(Writable target) {
    var prefixes = new ArrayList<String>(List.of(target.tree().mountedAt()));
    views.values().forEach(v -> prefixes.add(v.mountedAt()));
    return prefixes;
  }

  @Override
  public void close() throws IOException {
    for (AutoCloseable each : opened.reversed()) {
      try {
        each.close();
      } catch (IOException | RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new AssertionError("stores and trees throw no other exception", e);
      }
    }
  }
}
