package dev.kiln.dockerfile.text;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.ArrayList;
import java.util.List;

/**
 * One line of comma-separated values, as {@code --mount} and several frontend options take them: a
 * field in double quotes may hold commas, and {@code ""} for a quote (RFC 4180). Pure.
 */
public final class CsvLine {
  private CsvLine() {}

  /**
   * @throws BuildException {@code INVALID} for an empty line, a stray or an unclosed quote
   */
  public static List<String> fields(String line) {
    if (line.isEmpty()) {
      throw new BuildException(Kind.INVALID, "EOF");
    }
    var fields = new ArrayList<String>();
    int at = 0;
    while (true) {
      if (at < line.length() && line.charAt(at) == '"') {
        var field = new StringBuilder();
        at = quoted(line, at + 1, field);
        fields.add(field.toString());
      } else {
        int comma = line.indexOf(',', at);
        int end = comma < 0 ? line.length() : comma;
        int quote = line.indexOf('"', at);
        if (quote >= 0 && quote < end) {
          throw malformed(quote, "bare \" in non-quoted-field");
        }
        fields.add(line.substring(at, end));
        at = end;
      }
      if (at >= line.length()) {
        return fields;
      }
      at++; // the comma
    }
  }

  /** Reads up to the closing quote; returns the index of the comma behind it or the line's end. */
  private static int quoted(String line, int start, StringBuilder field) {
    int at = start;
    while (true) {
      int quote = line.indexOf('"', at);
      if (quote < 0) {
        throw malformed(line.length(), "extraneous or missing \" in quoted-field");
      }
      field.append(line, at, quote);
      int next = quote + 1;
      if (next == line.length() || line.charAt(next) == ',') {
        return next;
      }
      if (line.charAt(next) != '"') {
        throw malformed(quote, "extraneous or missing \" in quoted-field");
      }
      field.append('"');
      at = next + 1;
    }
  }

  private static BuildException malformed(int index, String what) {
    return new BuildException(
        Kind.INVALID, "parse error on line 1, column " + (index + 1) + ": " + what);
  }
}
