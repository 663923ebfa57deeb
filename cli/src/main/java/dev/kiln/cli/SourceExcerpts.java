package dev.kiln.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.kiln.cli.view.TerminalText;
import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.Json;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/** Shows the lines of a Dockerfile that a failure points to. Stateless. */
final class SourceExcerpts {
  private static final String SOURCE = "errdefs.Source+json";
  private static final int AROUND = 2;

  private SourceExcerpts() {}

  static void print(BuildException failure, PrintStream err) {
    for (Detail detail : failure.details()) {
      if (detail instanceof Detail.Opaque(String typeUrl, byte[] value)
          && typeUrl.endsWith(SOURCE)) {
        try {
          Json.find(value).ifPresent(source -> print(source, err));
        } catch (IllegalArgumentException e) { // no base64
          // the message says what there is to say
        }
      }
    }
  }

  private static void print(JsonNode source, PrintStream err) {
    JsonNode range = source.path("ranges").path(0);
    int from = range.path("start").path("line").asInt(0);
    int to = Math.max(from, range.path("end").path("line").asInt(from));
    if (from <= 0) {
      return;
    }
    byte[] data = Base64.getDecoder().decode(source.path("info").path("data").asText(""));
    String[] lines = new String(data, StandardCharsets.UTF_8).split("\n", -1);
    err.println(TerminalText.line(source.path("info").path("filename").asText("")) + ":" + from);
    err.println("--------------------");
    for (int line = Math.max(1, from - AROUND);
        line <= Math.min(lines.length, to + AROUND);
        line++) {
      String mark = line >= from && line <= to ? ">>>" : "   ";
      err.println(
          String.format(
              java.util.Locale.ROOT,
              "%4d | %s %s",
              line,
              mark,
              TerminalText.line(lines[line - 1])));
    }
    err.println("--------------------");
  }
}
