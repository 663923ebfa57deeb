package dev.kiln.actors;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.Signal;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import dev.kiln.llb.Edge;
import dev.kiln.llb.Graph;
import dev.kiln.llb.Vertex;
import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import java.util.HashSet;
import java.util.concurrent.CompletableFuture;

/**
 * One wish for one edge: it wants the edge complete, follows it where it moves, answers the promise
 * and ends. The answer comes only when all that was saved for it is safe.
 */
final class SolveActor extends AbstractOnMessageBehavior<SolveActor.Command> {
  sealed interface Command permits EdgeUpdate, Cancel, Crashed, Safe {}

  /** Nobody waits any more. */
  record Cancel() implements Command {}

  /** The solver itself failed on the way. */
  record Crashed(BuildException cause) implements Command {}

  private record Safe(SolvedEdge solved) implements Command {}

  private final Graph graph;
  private final CacheIndex index;
  private final CompletableFuture<SolvedEdge> promise;
  private ActorRef<VertexActor.Command> vertex;
  private Edge edge;
  private long interest;

  private SolveActor(
      ActorContext<Command> context,
      ActorRef<VertexActor.Command> vertex,
      Edge edge,
      Graph graph,
      CacheIndex index,
      CompletableFuture<SolvedEdge> promise) {
    super(context);
    this.vertex = vertex;
    this.edge = edge;
    this.graph = graph;
    this.index = index;
    this.promise = promise;
    want();
  }

  /**
   * @param graph the definition that the edge came in, for the places in its sources
   */
  static Behavior<Command> create(
      ActorRef<VertexActor.Command> vertex,
      Edge edge,
      Graph graph,
      CacheIndex index,
      CompletableFuture<SolvedEdge> promise) {
    return Guarded.behavior(
        Command.class,
        Behaviors.setup(context -> new SolveActor(context, vertex, edge, graph, index, promise)));
  }

  private void want() {
    interest = VertexActor.newInterest();
    vertex.tell(
        new VertexActor.Want(
            interest, edge.index(), Level.COMPLETE, getContext().getSelf().narrow()));
  }

  @Override
  public Behavior<Command> onMessage(Command message) {
    return switch (message) {
      case EdgeUpdate update -> update.interest() == interest ? onUpdate(update) : this;
      case Safe(var solved) -> {
        promise.complete(solved);
        yield Behaviors.stopped();
      }
      case Crashed(var cause) -> {
        promise.completeExceptionally(cause);
        yield Behaviors.stopped();
      }
      case Cancel() -> {
        vertex.tell(new VertexActor.Release(interest));
        promise.completeExceptionally(Solves.canceled());
        yield Behaviors.stopped();
      }
    };
  }

  /** However this ends, the promise is answered: nobody else would. */
  @Override
  public Behavior<Command> onSignal(Signal signal) {
    if (signal instanceof PostStop) {
      promise.completeExceptionally(
          new BuildException(Kind.INTERNAL, "the solver stopped before the build was done"));
    }
    return this;
  }

  private Behavior<Command> onUpdate(EdgeUpdate update) {
    switch (update) {
      case EdgeUpdate.At at -> {
        if (at.done().isPresent()) {
          var solved = new SolvedEdge(edge, at.done().get().result(), at.done().get().keys());
          getContext().pipeToSelf(index.flush(), (done, error) -> new Safe(solved));
        }
      }
      case EdgeUpdate.Failed failed -> {
        promise.completeExceptionally(withLocations(failed.cause()));
        return Behaviors.stopped();
      }
      case EdgeUpdate.Moved moved -> {
        vertex = moved.to();
        edge = moved.edge();
        want();
      }
    }
    return this;
  }

  /** Adds where this definition's source asks for the vertex that failed (features V-73). */
  private BuildException withLocations(BuildException failure) {
    var failed = new HashSet<Digest>();
    for (Detail detail : failure.details()) {
      if (detail instanceof Detail.VertexFailed(var digest)) {
        failed.add(digest);
      }
    }
    BuildException full = failure;
    for (Vertex v : graph.vertices().values()) {
      if (failed.contains(v.sentDigest())) {
        for (Detail.SourceLocation location : v.options().locations()) {
          full = full.with(location);
        }
      }
    }
    return full;
  }
}
