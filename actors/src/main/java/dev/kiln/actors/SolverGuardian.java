package dev.kiln.actors;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.ChildFailed;
import akka.actor.typed.Signal;
import akka.actor.typed.Terminated;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Owns the graph and passes on what the daemon asks of it. The graph begins anew by itself where it
 * fails. Should it end, a new one is made: what the old one had begun it has answered, and what it
 * had not come to is asked of the new one.
 */
final class SolverGuardian extends AbstractOnMessageBehavior<VertexGraph.Command> {
  private record Asked(VertexGraph.Command message, CompletableFuture<?> promise) {
    boolean isAnswered() {
      return promise.isDone();
    }
  }

  private final VertexGraph.Env env;
  private ActorRef<VertexGraph.Command> graph;

  /** What was asked, and was not answered when the next was. */
  private final List<Asked> open = new ArrayList<>();

  private SolverGuardian(ActorContext<VertexGraph.Command> context, VertexGraph.Env env) {
    super(context);
    this.env = env;
    this.graph = newGraph(context, env);
  }

  static Behavior<VertexGraph.Command> create(VertexGraph.Env env) {
    return Guarded.behavior(
        VertexGraph.Command.class, Behaviors.setup(context -> new SolverGuardian(context, env)));
  }

  private static ActorRef<VertexGraph.Command> newGraph(
      ActorContext<VertexGraph.Command> context, VertexGraph.Env env) {
    ActorRef<VertexGraph.Command> made = context.spawn(VertexGraph.create(env), "graph");
    context.watch(made);
    return made;
  }

  @Override
  public Behavior<VertexGraph.Command> onMessage(VertexGraph.Command message) {
    switch (message) {
      case VertexGraph.Solve solve -> remember(new Asked(solve, solve.promise()));
      case VertexGraph.Beside beside -> remember(new Asked(beside, beside.promise()));
      default -> {}
    }
    graph.tell(message);
    return this;
  }

  private void remember(Asked asked) {
    open.removeIf(Asked::isAnswered);
    open.add(asked);
  }

  @Override
  public Behavior<VertexGraph.Command> onSignal(Signal signal) {
    switch (signal) {
      case ChildFailed failed -> onGone(failed.getCause());
      case Terminated _ -> onGone(new IllegalStateException("stopped"));
      default -> {}
    }
    return this;
  }

  private void onGone(Throwable cause) {
    getContext().getLog().error("the solver's graph ended; builds under way end with it", cause);
    graph = newGraph(getContext(), env);
    open.removeIf(Asked::isAnswered);
    open.forEach(asked -> graph.tell(asked.message()));
  }
}
