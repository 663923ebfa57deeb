package dev.kiln.ops.file;

import dev.kiln.actors.CacheMap;
import dev.kiln.actors.OpContext;
import dev.kiln.actors.OpRunner;
import dev.kiln.actors.ResultId;
import dev.kiln.llb.FileOp;
import dev.kiln.llb.Vertex;
import dev.kiln.model.KeyDigest;
import dev.kiln.ops.StoreLeases;
import dev.kiln.ops.key.ContentKeys;
import dev.kiln.ops.key.Selectors;
import dev.kiln.store.RefId;
import dev.kiln.store.Refs;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** Keys and runs a file op. Any thread; {@link #run} mounts and copies, so it blocks. */
public final class FileOpRunner implements OpRunner {
  private final Refs refs;
  private final Vertex vertex;
  private final FileOp op;
  private final FileOpKey key;

  public FileOpRunner(Refs refs, Vertex vertex, FileOp op) {
    this.refs = refs;
    this.vertex = vertex;
    this.op = op;
    this.key = FileOpKey.of(op, vertex.inputs().size());
  }

  @Override
  public CacheMap cacheMap(int index, OpContext context) {
    return key.toCacheMap(vertex.inputs().size());
  }

  @Override
  public boolean cacheMapIsPure() {
    return true;
  }

  @Override
  public void prepare(int input, Optional<ResultId> result, OpContext context)
      throws InterruptedException {
    if (result.isPresent()) {
      refs.unlazy(StoreLeases.ref(result.get()), context.progress());
    }
  }

  @Override
  public Optional<KeyDigest> contentKey(int input, Optional<ResultId> result, OpContext context)
      throws IOException, InterruptedException {
    Selectors parts = key.selectors().get(input);
    if (parts == null) {
      return Optional.empty();
    }
    return Optional.of(
        parts.contentKey(selector -> ContentKeys.of(refs, result, selector, context)));
  }

  @Override
  public List<Optional<ResultId>> run(List<Optional<ResultId>> inputs, OpContext context)
      throws IOException, InterruptedException {
    List<Optional<RefId>> states = inputs.stream().map(StoreLeases::ref).toList();
    try (var run = new FileOpRun(refs, vertex, op, states, context)) {
      return run.outputs().stream().map(o -> o.map(StoreLeases::result)).toList();
    }
  }

  @Override
  public boolean needsPermit() {
    return true;
  }

  @Override
  public boolean runsOnPlatformThread() {
    return true;
  }
}
