package dev.kiln.actors;

import akka.actor.typed.ActorRef;
import dev.kiln.model.BuildException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * What the pool's workers do that is none of a vertex's, and who waits for it ({@link
 * StepWorkers}). The graph's thread only.
 */
final class BesideWork {
  private final ActiveOps ops;
  private final ActorRef<StepPool.Command> pool;
  private final ActorRef<StepNews> news;
  private final Map<Long, CompletableFuture<?>> open = new HashMap<>();

  /**
   * @param news by which the graph hears of the pool
   */
  BesideWork(ActiveOps ops, ActorRef<StepPool.Command> pool, ActorRef<StepNews> news) {
    this.ops = ops;
    this.pool = pool;
    this.news = news;
  }

  private static Attempt attempt(long op) {
    return new Attempt(op, 1);
  }

  void begin(VertexGraph.Beside work) {
    open.put(work.op(), work.promise());
    pool.tell(
        new StepPool.Submit(
            attempt(work.op()),
            work.name(),
            new OpCall.Run(List.of()),
            OpSteps.Way.BLOCKING,
            false,
            List.of(),
            news));
  }

  void stop(long op) {
    pool.tell(new StepPool.Cancel(attempt(op)));
  }

  void onNews(StepNews told) {
    if (told instanceof StepNews.Ended(var attempt, var end)) {
      ops.remove(attempt.vertex());
      CompletableFuture<?> promise = open.remove(attempt.vertex());
      if (promise != null && end instanceof OpEnd.Failed(var cause)) {
        promise.completeExceptionally(cause); // unless the work did it
      }
    }
  }

  /** Nothing of it will be done. */
  void failAll(BuildException why) {
    open.values().forEach(promise -> promise.completeExceptionally(why));
  }
}
