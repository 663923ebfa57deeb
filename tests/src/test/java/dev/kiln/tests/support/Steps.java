package dev.kiln.tests.support;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** What {@code buildctl --progress=rawjson} told of a build: the last state of each vertex. */
public final class Steps {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Map<String, Step> byDigest = new LinkedHashMap<>();

  /** The last that was told of a vertex. */
  public record Step(String digest, String name, boolean completed, boolean cached, String error) {}

  /** Lines that are no JSON, or only a part of it, are passed over. */
  public static Steps of(String output) {
    var steps = new Steps();
    for (String line : output.lines().filter(l -> l.startsWith("{")).toList()) {
      try {
        JSON.readTree(line).path("vertexes").forEach(steps::add);
      } catch (JsonProcessingException cutOff) {
        break; // the client was killed while it wrote
      }
    }
    return steps;
  }

  private void add(JsonNode vertex) {
    String digest = vertex.path("digest").asText();
    byDigest.put(
        digest,
        new Step(
            digest,
            vertex.path("name").asText(),
            vertex.hasNonNull("completed"),
            vertex.path("cached").asBoolean(),
            vertex.path("error").asText()));
  }

  public Collection<Step> all() {
    return byDigest.values();
  }

  public Set<String> digests() {
    return Set.copyOf(byDigest.keySet());
  }

  /**
   * Names of the Dockerfile's own steps that were told to be done without a failure; their digests
   * are others in each build, for those below a client's folder.
   */
  public Set<String> done() {
    return ofDockerfile(false);
  }

  /** The same, of those that came from the cache. */
  public Set<String> cached() {
    return ofDockerfile(true);
  }

  private Set<String> ofDockerfile(boolean onlyCached) {
    return byDigest.values().stream()
        .filter(step -> step.completed() && step.error().isEmpty())
        .filter(step -> step.cached() || !onlyCached)
        .filter(step -> step.name().startsWith("["))
        .filter(step -> step.name().contains("] RUN ") || step.name().contains("] COPY "))
        .map(Step::name)
        .collect(Collectors.toCollection(TreeSet::new));
  }
}
