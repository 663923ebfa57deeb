package dev.kiln.actors;

import dev.kiln.llb.Vertex;
import dev.kiln.model.Digest;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * What others may see of a vertex while its actor works: who wants it, where it reports, what
 * travels beside its keys. Written by the graph (jobs, caches) and the vertex (options); any thread
 * reads.
 */
final class VertexScope {
  private final Vertex vertex;
  private final VertexProgress progress;
  private final StepTrace trace;
  private final Map<Digest, VertexScope> all;
  private final List<JobScope> jobs = new CopyOnWriteArrayList<>();
  private final List<CacheTable> imports = new CopyOnWriteArrayList<>();
  private final Map<String, Object> options = new ConcurrentHashMap<>(2);

  /**
   * @param all the scopes of all vertices in the graph
   */
  VertexScope(Vertex vertex, VertexProgress progress, Map<Digest, VertexScope> all) {
    this.vertex = vertex;
    this.progress = progress;
    this.trace = new StepTrace(vertex);
    this.all = all;
  }

  Vertex vertex() {
    return vertex;
  }

  VertexProgress progress() {
    return progress;
  }

  StepTrace trace() {
    return trace;
  }

  List<JobScope> jobs() {
    return jobs;
  }

  List<CacheTable> imports() {
    return imports;
  }

  void addImports(List<CacheTable> more) {
    for (CacheTable table : more) {
      if (imports.stream().noneMatch(t -> t.id().equals(table.id()))) {
        imports.add(table);
      }
    }
  }

  Map<String, Object> options() {
    return options;
  }

  /** The result was loaded, which spares the vertices before this one. */
  void completedFromCache() {
    trace.completed(true);
    var queue = new ArrayDeque<>(List.of(this));
    while (!queue.isEmpty()) {
      for (var input : queue.poll().vertex.inputs()) {
        VertexScope before = all.get(input.vertex());
        if (before != null && before.trace.spared()) {
          queue.add(before);
        }
      }
    }
  }

  /** The value of the nearest vertex at or before this one that has it. */
  Optional<Object> option(String key) {
    var queue = new ArrayDeque<VertexScope>();
    var seen = new HashSet<Digest>();
    queue.add(this);
    while (!queue.isEmpty()) {
      VertexScope scope = queue.poll();
      Object value = scope.options.get(key);
      if (value != null) {
        return Optional.of(value);
      }
      for (var input : scope.vertex.inputs()) {
        VertexScope next = all.get(input.vertex());
        if (next != null && seen.add(input.vertex())) {
          queue.add(next);
        }
      }
    }
    return Optional.empty();
  }

  /** The vertex that makes input number {@code index}. */
  Optional<VertexScope> input(int index) {
    return Optional.ofNullable(all.get(vertex.inputs().get(index).vertex()));
  }
}
