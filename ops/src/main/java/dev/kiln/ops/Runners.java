package dev.kiln.ops;

import dev.kiln.actors.OpRunner;
import dev.kiln.actors.OpRunners;
import dev.kiln.llb.BuildOp;
import dev.kiln.llb.DiffOp;
import dev.kiln.llb.ExecOp;
import dev.kiln.llb.FileOp;
import dev.kiln.llb.MergeOp;
import dev.kiln.llb.SourceOp;
import dev.kiln.llb.Vertex;
import dev.kiln.model.Platform;
import dev.kiln.ops.file.FileOpRunner;
import dev.kiln.sources.Sources;
import dev.kiln.store.Refs;
import dev.kiln.store.Store;

/** Makes the runner of each vertex over this daemon's store and sources. Any thread. */
public final class Runners implements OpRunners {
  /** Makes the runner of a vertex that starts a process. */
  @FunctionalInterface
  public interface ExecRunners {
    OpRunner runner(Vertex vertex, ExecOp op);
  }

  private final Refs refs;
  private final Sources sources;
  private final ExecRunners execs;
  private final Platform defaultPlatform;
  private final Materials materials = new Materials();

  public Runners(Store store, Sources sources, ExecRunners execs, Platform defaultPlatform) {
    this.refs = store.refs();
    this.sources = sources;
    this.execs = execs;
    this.defaultPlatform = defaultPlatform;
  }

  /** What the sources of recent builds resolved to. */
  public Materials materials() {
    return materials;
  }

  @Override
  public OpRunner runner(Vertex vertex) {
    return switch (vertex.op()) {
      case SourceOp op ->
          new SourceOpRunner(vertex.digest(), sources.open(op, vertex.platform()), materials);
      case ExecOp op -> execs.runner(vertex, op);
      case FileOp op -> new FileOpRunner(refs, vertex, op);
      case BuildOp op -> new BuildOpRunner(refs, vertex, op, defaultPlatform);
      case MergeOp op -> new MergeOpRunner(refs, vertex, op);
      case DiffOp op -> new DiffOpRunner(refs, vertex, op);
    };
  }
}
