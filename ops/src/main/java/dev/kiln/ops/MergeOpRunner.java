package dev.kiln.ops;

import dev.kiln.actors.CacheMap;
import dev.kiln.actors.OpContext;
import dev.kiln.actors.OpRunner;
import dev.kiln.actors.ResultId;
import dev.kiln.llb.MergeOp;
import dev.kiln.llb.Vertex;
import dev.kiln.model.GoJson;
import dev.kiln.model.KeyDigest;
import dev.kiln.store.RefId;
import dev.kiln.store.RefOptions;
import dev.kiln.store.Refs;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/** Lays the inputs over each other; empty ones count for nothing. Any thread. */
final class MergeOpRunner implements OpRunner {
  private final Refs refs;
  private final Vertex vertex;
  private final MergeOp op;

  MergeOpRunner(Refs refs, Vertex vertex, MergeOp op) {
    this.refs = refs;
    this.vertex = vertex;
    this.op = op;
  }

  /** Source of the form: BuildKit v0.22 {@code solver/llbsolver/ops/merge.go}. */
  @Override
  public CacheMap cacheMap(int index, OpContext context) {
    List<GoJson> inputs =
        op.inputs().stream().map(i -> GoJson.object().numberIfSet("input", i)).toList();
    GoJson json =
        GoJson.object()
            .text("Type", "buildkit.merge.v0")
            .raw("Merge", GoJson.object().objectsIfSet("inputs", inputs).toString());
    return CacheMap.of(
        KeyDigest.of(json.toBytes()), Collections.nCopies(inputs.size(), CacheMap.Dep.PLAIN));
  }

  @Override
  public boolean cacheMapIsPure() {
    return true;
  }

  @Override
  public List<Optional<ResultId>> run(List<Optional<ResultId>> inputs, OpContext context) {
    List<RefId> present = inputs.stream().flatMap(Optional::stream).map(StoreLeases::ref).toList();
    if (present.isEmpty()) {
      return List.of(Optional.empty());
    }
    RefId merged = refs.merge(StoreLeases.of(context), present, RefOptions.of(vertex.name())).id();
    return List.of(Optional.of(StoreLeases.result(merged)));
  }

  @Override
  public boolean needsPermit() {
    return false;
  }
}
