package dev.kiln.gateway;

import dev.kiln.llb.Graph;
import dev.kiln.llb.ImageMeta;
import dev.kiln.llb.ImageQuery;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** What the frontends of one build did, for the provenance of its results. Any thread. */
public final class BuildLog {
  private final List<Asked> asked = new ArrayList<>();
  private final List<Resolved> images = new ArrayList<>();
  private final List<Graph> graphs = new ArrayList<>();

  /** A frontend that was run. Immutable. */
  public record Asked(String frontend, SortedMap<String, String> opts, boolean hasInputs) {}

  /** An image whose config a frontend asked for. Immutable. */
  public record Resolved(ImageQuery query, ImageMeta image) {}

  synchronized void asked(String frontend, Map<String, String> opts, boolean hasInputs) {
    asked.add(new Asked(frontend, new TreeMap<>(opts), hasInputs));
  }

  synchronized void resolved(ImageQuery query, ImageMeta image) {
    images.add(new Resolved(query, image));
  }

  synchronized void loaded(Graph graph) {
    graphs.add(graph);
  }

  /** The frontend that made the result: the innermost; absent where the client made it itself. */
  public synchronized Optional<Asked> asked() {
    return asked.isEmpty() ? Optional.empty() : Optional.of(asked.getLast());
  }

  public synchronized List<Resolved> images() {
    return List.copyOf(images);
  }

  /** All graphs, those of results too. */
  public synchronized List<Graph> graphs() {
    return List.copyOf(graphs);
  }
}
