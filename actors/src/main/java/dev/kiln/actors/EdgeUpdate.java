package dev.kiln.actors;

import akka.actor.typed.ActorRef;
import dev.kiln.llb.Edge;
import dev.kiln.model.BuildException;
import java.util.List;
import java.util.Optional;

/** What who wants an edge is told, by the number of its interest. */
sealed interface EdgeUpdate extends VertexActor.Command, SolveActor.Command {
  long interest();

  /** Level or keys rose; a result is the last word. */
  record At(long interest, Level level, List<CacheKey> keys, Optional<EdgeState.Done> done)
      implements EdgeUpdate {}

  /** The edge cannot be built: the last word. */
  record Failed(long interest, BuildException cause) implements EdgeUpdate {}

  /** Another edge is the same thing: ask there. The last word. */
  record Moved(long interest, ActorRef<VertexActor.Command> to, Edge edge) implements EdgeUpdate {}
}
