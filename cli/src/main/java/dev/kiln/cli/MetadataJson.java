package dev.kiln.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.kiln.model.BuildException;
import dev.kiln.model.Json;
import dev.kiln.model.Kind;
import java.util.Base64;
import java.util.Map;
import java.util.TreeMap;

/**
 * A response's keys as a JSON object; values that are base64 of JSON come out as that JSON, as
 * buildctl writes them. Stateless.
 */
final class MetadataJson {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private MetadataJson() {}

  static String of(Map<String, String> metadata) {
    var all = new TreeMap<String, Object>();
    metadata.forEach((key, value) -> all.put(key, decoded(value)));
    try {
      return JSON.writeValueAsString(all);
    } catch (JsonProcessingException e) {
      throw new BuildException(Kind.INTERNAL, "cannot write metadata as JSON", e);
    }
  }

  private static Object decoded(String value) {
    try {
      return Json.find(Base64.getDecoder().decode(value))
          .filter(JsonNode::isContainerNode)
          .<Object>map(node -> node)
          .orElse(value);
    } catch (IllegalArgumentException e) {
      return value; // a plain string
    }
  }
}
