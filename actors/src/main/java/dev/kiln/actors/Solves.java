package dev.kiln.actors;

import akka.actor.typed.ActorRef;
import dev.kiln.llb.Graph;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Starts solves in the graph. Any thread. */
record Solves(ActorRef<VertexGraph.Command> graph) {
  /** How a solve ends that was given up. */
  static BuildException canceled() {
    return new BuildException(Kind.CANCELED, "context canceled");
  }

  Solve start(Graph definition, JobScope job, List<CacheTable> imports) {
    return start(definition, Optional.of(job), Optional.empty(), imports);
  }

  /** Solves within a vertex, for the op that it runs. */
  SubSolver within(Digest vertex) {
    return definition ->
        start(definition, Optional.empty(), Optional.of(vertex), List.of()).await();
  }

  private Solve start(
      Graph definition, Optional<JobScope> job, Optional<Digest> within, List<CacheTable> imports) {
    long id = VertexActor.newInterest();
    var promise = new CompletableFuture<SolvedEdge>();
    graph.tell(new VertexGraph.Solve(id, definition, job, within, imports, promise));
    return new Solve(id, promise, graph);
  }
}
