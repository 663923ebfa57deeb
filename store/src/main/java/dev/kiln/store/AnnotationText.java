package dev.kiln.store;

import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;

/** Annotations as text, {@code key=text} a line; whatever an image says in them. Stateless. */
final class AnnotationText {
  private AnnotationText() {}

  static String of(SortedMap<String, String> annotations) {
    var text = new StringBuilder();
    annotations.forEach((key, value) ->
        text.append(escaped(key).replace("=", "\\e"))
            .append('=')
            .append(escaped(value))
            .append('\n'));
    return text.toString();
  }

  private static String escaped(String text) {
    return text.replace("\\", "\\\\").replace("\n", "\\n");
  }

  static Map<String, String> read(String text) {
    var annotations = new HashMap<String, String>();
    for (String line : text.split("\n")) {
      int equal = line.indexOf('=');
      if (equal >= 0) {
        annotations.put(plain(line.substring(0, equal)), plain(line.substring(equal + 1)));
      }
    }
    return annotations;
  }

  private static String plain(String text) {
    if (text.indexOf('\\') < 0) {
      return text;
    }
    var plain = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\\' && i + 1 < text.length()) {
        char next = text.charAt(++i);
        plain.append(next == 'n' ? '\n' : next == 'e' ? '=' : next);
      } else {
        plain.append(c);
      }
    }
    return plain.toString();
  }
}
