package dev.kiln.ops;

import dev.kiln.actors.CacheMap;
import dev.kiln.actors.OpContext;
import dev.kiln.actors.OpRunner;
import dev.kiln.actors.ResultId;
import dev.kiln.model.Digest;
import dev.kiln.model.StepProgress;
import dev.kiln.sources.Source;
import dev.kiln.sources.SourceContext;
import dev.kiln.sources.SourceKey;
import dev.kiln.store.Lease;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Keys a source and brings it here; what it resolved is told to {@link Materials}. Any thread. */
final class SourceOpRunner implements OpRunner {
  private final Digest vertex;
  private final Source source;
  private final Materials materials;

  SourceOpRunner(Digest vertex, Source source, Materials materials) {
    this.vertex = vertex;
    this.source = source;
    this.materials = materials;
  }

  @Override
  public CacheMap cacheMap(int index, OpContext context) throws IOException, InterruptedException {
    SourceKey key = source.key(index, new Context(context));
    materials.put(vertex, source.material());
    return new CacheMap(key.digest(), List.of(), key.complete(), Map.of());
  }

  @Override
  public List<Optional<ResultId>> run(List<Optional<ResultId>> inputs, OpContext context)
      throws IOException, InterruptedException {
    var result = source.snapshot(new Context(context)).map(StoreLeases::result);
    materials.put(vertex, source.material());
    return List.of(result);
  }

  @Override
  public boolean needsPermit() {
    return true;
  }

  private record Context(OpContext op) implements SourceContext {
    @Override
    public List<String> sessionIds() {
      return op.sessionIds();
    }

    @Override
    public StepProgress progress() {
      return op.progress();
    }

    @Override
    public Lease lease() {
      return StoreLeases.of(op);
    }
  }
}
