package dev.kiln.ops;

import dev.kiln.actors.CacheMap;
import dev.kiln.actors.OpContext;
import dev.kiln.actors.OpRunner;
import dev.kiln.actors.ResultId;
import dev.kiln.llb.DiffOp;
import dev.kiln.llb.Vertex;
import dev.kiln.model.GoJson;
import dev.kiln.model.KeyDigest;
import dev.kiln.store.Ref;
import dev.kiln.store.RefId;
import dev.kiln.store.RefOptions;
import dev.kiln.store.Refs;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** What one input adds to another. Any thread. */
final class DiffOpRunner implements OpRunner {
  private final Refs refs;
  private final Vertex vertex;
  private final DiffOp op;

  DiffOpRunner(Refs refs, Vertex vertex, DiffOp op) {
    this.refs = refs;
    this.vertex = vertex;
    this.op = op;
  }

  /** Source of the form: BuildKit v0.22 {@code solver/llbsolver/ops/diff.go}. */
  @Override
  public CacheMap cacheMap(int index, OpContext context) {
    GoJson diff =
        GoJson.object()
            .raw("lower", GoJson.object().numberIfSet("input", op.lower().orElse(-1)).toString())
            .raw("upper", GoJson.object().numberIfSet("input", op.upper().orElse(-1)).toString());
    GoJson json = GoJson.object().text("Type", "buildkit.diff.v0").raw("Diff", diff.toString());
    int inputs = (op.lower().isPresent() ? 1 : 0) + (op.upper().isPresent() ? 1 : 0);
    return CacheMap.of(
        KeyDigest.of(json.toBytes()), Collections.nCopies(inputs, CacheMap.Dep.PLAIN));
  }

  @Override
  public boolean cacheMapIsPure() {
    return true;
  }

  @Override
  public List<Optional<ResultId>> run(List<Optional<ResultId>> inputs, OpContext context)
      throws InterruptedException {
    Optional<Ref> difference =
        refs.diff(
            StoreLeases.of(context),
            at(inputs, op.lower()),
            at(inputs, op.upper()),
            RefOptions.of(vertex.name()),
            context.progress());
    return List.of(difference.map(r -> StoreLeases.result(r.id())));
  }

  private static Optional<RefId> at(List<Optional<ResultId>> inputs, OptionalInt index) {
    return index.isPresent() ? StoreLeases.ref(inputs.get(index.getAsInt())) : Optional.empty();
  }

  @Override
  public boolean needsPermit() {
    return false;
  }

  @Override
  public boolean runsOnPlatformThread() {
    return true;
  }
}
