package dev.kiln.actors;

import akka.actor.typed.ActorRef;
import dev.kiln.model.BuildException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;

/** A solve under way. Any thread. */
public final class Solve {
  private final long id;
  private final CompletableFuture<SolvedEdge> promise;
  private final ActorRef<VertexGraph.Command> graph;

  Solve(long id, CompletableFuture<SolvedEdge> promise, ActorRef<VertexGraph.Command> graph) {
    this.id = id;
    this.promise = promise;
    this.graph = graph;
  }

  /**
   * The built edge, or the {@link BuildException} that ended it. Completed on a dispatcher thread:
   * what follows must not block.
   */
  public CompletionStage<SolvedEdge> done() {
    return promise.minimalCompletionStage();
  }

  /** Gives the solve up; what nobody else wants is stopped. Idempotent. */
  public void cancel() {
    graph.tell(new VertexGraph.Cancel(id));
  }

  /**
   * Blocks until the edge is built; an interrupt cancels.
   *
   * @throws BuildException why it could not be built
   */
  public SolvedEdge await() throws InterruptedException {
    try {
      return promise.get();
    } catch (InterruptedException e) {
      cancel();
      throw e;
    } catch (ExecutionException e) {
      throw BuildException.of(e);
    }
  }
}
