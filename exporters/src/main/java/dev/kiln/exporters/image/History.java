package dev.kiln.exporters.image;

import com.fasterxml.jackson.databind.JsonNode;
import dev.kiln.model.GoJson;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One step that an image's config tells of; all but the empty ones made a layer. Immutable. Source:
 * OCI image-spec, config.md, {@code history}.
 */
record History(
    Optional<OffsetDateTime> created,
    String createdBy,
    String author,
    String comment,
    boolean emptyLayer) {
  private static final DateTimeFormatter SECONDS =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss");

  /** What is known of a layer apart from its bytes: who made it and when. */
  record LayerFacts(String description, Optional<OffsetDateTime> created) {}

  static List<History> parse(JsonNode config) {
    var all = new ArrayList<History>();
    for (JsonNode step : config.path("history")) {
      all.add(
          new History(
              Optional.of(step.path("created").asText(""))
                  .filter(t -> !t.isEmpty())
                  .map(OffsetDateTime::parse),
              step.path("created_by").asText(""),
              step.path("author").asText(""),
              step.path("comment").asText(""),
              step.path("empty_layer").asBoolean(false)));
    }
    return List.copyOf(all);
  }

  History at(Optional<OffsetDateTime> time) {
    return new History(time, createdBy, author, comment, emptyLayer);
  }

  private History emptied() {
    return new History(created, createdBy, author, comment, true);
  }

  /**
   * Makes the steps fit the layers: surplus steps lose their layer, layers that no step tells of
   * get one, and steps without a time take that of the layer that follows, else of the one before.
   * Source of the rules: BuildKit v0.22 {@code exporter/containerimage/writer.go}.
   */
  static List<History> reconcile(List<History> told, List<LayerFacts> layers) {
    var steps = new ArrayList<History>();
    int used = 0;
    for (History step : told) {
      boolean surplus = !step.emptyLayer && used >= layers.size();
      steps.add(surplus ? step.emptied() : step);
      used += step.emptyLayer || surplus ? 0 : 1;
    }
    for (LayerFacts layer : layers.subList(used, layers.size())) {
      steps.add(
          new History(
              layer.created(), layer.description(), "", "buildkit.exporter.image.v0", false));
    }
    int index = 0;
    for (int i = 0; i < steps.size(); i++) {
      History step = steps.get(i);
      if (!step.emptyLayer) {
        if (step.created.isEmpty()) {
          steps.set(i, step.at(layers.get(index).created()));
        }
        index++;
      }
    }
    return fillTimes(steps);
  }

  private static List<History> fillTimes(List<History> steps) {
    // The time before the first known one is that of the first layer made now: a base image's
    // times end where the first step without one stands.
    Optional<OffsetDateTime> time = Optional.empty();
    boolean gap = false;
    for (History step : steps) {
      if (step.created.isEmpty()) {
        gap = true;
      } else {
        time = step.created;
        if (gap) {
          break;
        }
      }
    }
    gap = false;
    for (int i = 0; i < steps.size(); i++) {
      History step = steps.get(i);
      if (step.created.isEmpty()) {
        gap = true;
        steps.set(i, step.at(time));
      } else if (gap) {
        time = step.created;
      }
    }
    return List.copyOf(steps);
  }

  GoJson toJson() {
    GoJson json = GoJson.object();
    created.ifPresent(t -> json.raw("created", time(t)));
    return json.textIfSet("created_by", createdBy)
        .textIfSet("author", author)
        .textIfSet("comment", comment)
        .boolIfSet("empty_layer", emptyLayer);
  }

  /** A time as Go marshals it: RFC 3339, the fraction without closing zeros. */
  static String time(OffsetDateTime at) {
    var text = new StringBuilder("\"").append(SECONDS.format(at));
    if (at.getNano() != 0) {
      String nanos = String.format("%09d", at.getNano());
      int end = nanos.length();
      while (nanos.charAt(end - 1) == '0') {
        end--;
      }
      text.append('.').append(nanos, 0, end);
    }
    text.append(at.getOffset().equals(ZoneOffset.UTC) ? "Z" : at.getOffset().getId());
    return text.append('"').toString();
  }
}
