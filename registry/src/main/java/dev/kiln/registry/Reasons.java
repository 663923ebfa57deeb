package dev.kiln.registry;

import com.fasterxml.jackson.databind.JsonNode;
import dev.kiln.model.Json;
import java.util.ArrayList;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Why a registry refused, in words: status lines and the error list of distribution-spec. */
final class Reasons {

  /** Texts of RFC 9110 for the statuses that registries use. */
  private static final Map<Integer, String> TEXTS =
      Map.ofEntries(
          Map.entry(200, "OK"),
          Map.entry(201, "Created"),
          Map.entry(202, "Accepted"),
          Map.entry(204, "No Content"),
          Map.entry(206, "Partial Content"),
          Map.entry(301, "Moved Permanently"),
          Map.entry(302, "Found"),
          Map.entry(304, "Not Modified"),
          Map.entry(307, "Temporary Redirect"),
          Map.entry(308, "Permanent Redirect"),
          Map.entry(400, "Bad Request"),
          Map.entry(401, "Unauthorized"),
          Map.entry(403, "Forbidden"),
          Map.entry(404, "Not Found"),
          Map.entry(405, "Method Not Allowed"),
          Map.entry(406, "Not Acceptable"),
          Map.entry(408, "Request Timeout"),
          Map.entry(409, "Conflict"),
          Map.entry(410, "Gone"),
          Map.entry(411, "Length Required"),
          Map.entry(412, "Precondition Failed"),
          Map.entry(413, "Request Entity Too Large"),
          Map.entry(416, "Requested Range Not Satisfiable"),
          Map.entry(418, "I'm a teapot"),
          Map.entry(429, "Too Many Requests"),
          Map.entry(500, "Internal Server Error"),
          Map.entry(501, "Not Implemented"),
          Map.entry(502, "Bad Gateway"),
          Map.entry(503, "Service Unavailable"),
          Map.entry(504, "Gateway Timeout"));

  private Reasons() {}

  /** {@code 404 Not Found}. */
  static String line(int status) {
    String text = TEXTS.get(status);
    return text == null ? Integer.toString(status) : status + " " + text;
  }

  /**
   * The error list in {@code body} as one text, {@code code: message} each; empty where the body
   * holds none.
   */
  static String ofBody(byte[] body) {
    Optional<JsonNode> answer = Json.find(body);
    if (answer.isEmpty()) {
      return ""; // a proxy's page, for example
    }
    var all = new ArrayList<String>();
    for (JsonNode error : answer.get().path("errors")) {
      String code = error.path("code").asText("unknown").toLowerCase(Locale.ROOT).replace('_', ' ');
      String message = error.path("message").asText("");
      all.add(message.isEmpty() ? code : code + ": " + message);
    }
    return switch (all.size()) {
      case 0 -> "";
      case 1 -> all.getFirst();
      default -> "errors:\n" + String.join("\n", all) + "\n";
    };
  }
}
