package dev.kiln.actors;

import dev.kiln.llb.BuildRules;
import dev.kiln.llb.Vertex;
import dev.kiln.model.StepProgress;
import java.util.List;
import java.util.Optional;

/** What a runner may use while it keys or runs an op. Any thread; valid during the call. */
public interface OpContext {
  Vertex vertex();

  /**
   * Sessions that may serve the op: of every job that wants the vertex, the first one's first. Jobs
   * may join while the op runs, so ask again rather than keep the list.
   */
  List<String> sessionIds();

  /** The jobs that want the vertex. */
  List<String> jobIds();

  /** What those jobs may do together; a definition that the op reads is checked by these. */
  BuildRules rules();

  /** Shows progress at the vertex, to every job that wants it. */
  StepProgress progress();

  /** Keeps the vertex's results; lives as long as a job wants the vertex. */
  ResultLease lease();

  /** A value beside the cache maps of this vertex or of what it is made from, the nearest one. */
  Optional<Object> option(String key);

  /** Solves further graphs as part of this vertex. */
  SubSolver subSolver();
}
