package dev.kiln.gateway;

import dev.kiln.actors.ResultId;
import dev.kiln.actors.SolvedEdge;
import dev.kiln.actors.SubSolver;
import dev.kiln.grpc.fsutil.Stat;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.llb.FrontendRef;
import dev.kiln.llb.Graph;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One ref of a build: a graph that is solved when something of it is first needed, once for all who
 * ask. A failed solve stays failed; an interrupted one may be tried again. Any thread.
 */
public final class BridgeRef implements FrontendRef {
  private final Definition definition;
  private final Graph graph;
  private final SubSolver solver;
  private final RefFiles files;
  private final ReentrantLock lock = new ReentrantLock();
  private Optional<SolvedEdge> solved = Optional.empty();
  private Optional<RuntimeException> failure = Optional.empty();

  BridgeRef(Definition definition, Graph graph, SubSolver solver, RefFiles files) {
    this.definition = definition;
    this.graph = graph;
    this.solver = solver;
    this.files = files;
  }

  /** What the ref is the result of. */
  public Graph graph() {
    return graph;
  }

  /** The solved edge, built now where it is not yet. */
  public SolvedEdge solve() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      if (failure.isPresent()) {
        throw failure.get();
      }
      if (solved.isEmpty()) {
        try {
          solved = Optional.of(solver.solve(graph));
        } catch (RuntimeException e) {
          failure = Optional.of(e);
          throw e;
        }
      }
      return solved.get();
    } finally {
      lock.unlock();
    }
  }

  private Optional<ResultId> result() throws InterruptedException {
    return solve().result();
  }

  @Override
  public byte[] readFile(String path, long offset, long length) throws InterruptedException {
    return files.readFile(result(), path, offset, length);
  }

  @Override
  public List<Stat> readDir(String path, String includePattern) throws InterruptedException {
    return files.readDir(result(), path, includePattern);
  }

  @Override
  public Stat statFile(String path) throws InterruptedException {
    return files.statFile(result(), path);
  }

  @Override
  public void evaluate() throws InterruptedException {
    solve();
  }

  @Override
  public Definition definition() {
    return definition;
  }
}
