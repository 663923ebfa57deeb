package dev.kiln.dockerfile.instruction;

import dev.kiln.dockerfile.text.Suggestion;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The {@code --flags} of an instruction, checked against those that it takes. Immutable. */
final class Flags {
  /** How often a flag may come and what it takes. */
  enum Takes {
    BOOLEAN,
    TEXT,
    MANY_TEXTS
  }

  private final Map<String, List<String>> values;

  private Flags(Map<String, List<String>> values) {
    this.values = values;
  }

  /**
   * @throws BuildException {@code INVALID} for an unknown, repeated or malformed flag
   */
  static Flags parse(List<String> words, Map<String, Takes> known) {
    var values = new LinkedHashMap<String, List<String>>();
    for (String word : words) {
      if (word.equals("--")) {
        break;
      }
      if (!word.startsWith("--")) {
        throw invalid("arg should start with -- : " + word);
      }
      int equals = word.indexOf('=');
      String flag = equals < 0 ? word : word.substring(0, equals);
      String name = flag.substring(2);
      Optional<String> value =
          equals < 0 ? Optional.empty() : Optional.of(word.substring(equals + 1));
      Takes takes = known.get(name);
      if (takes == null) {
        throw Suggestion.explain(invalid("unknown flag: " + flag), name, known.keySet(), true);
      }
      if (values.containsKey(name) && takes != Takes.MANY_TEXTS) {
        throw invalid("duplicate flag specified: " + flag);
      }
      String read =
          switch (takes) {
            case BOOLEAN -> bool(flag, value);
            case TEXT, MANY_TEXTS ->
                value.orElseThrow(() -> invalid("missing a value on flag: " + flag));
          };
      values.computeIfAbsent(name, n -> new ArrayList<>()).add(read);
    }
    return new Flags(values);
  }

  private static String bool(String flag, Optional<String> value) {
    if (value.isEmpty()) {
      return "true";
    }
    String text = value.get().toLowerCase(Locale.ROOT);
    if (text.isEmpty()) {
      throw invalid("missing a value on flag: " + flag);
    }
    if (!text.equals("true") && !text.equals("false")) {
      throw invalid("expecting boolean value for flag " + flag + ", not: " + value.get());
    }
    return text;
  }

  boolean isSet(String name) {
    return values.containsKey(name);
  }

  boolean isTrue(String name) {
    return text(name).equals("true");
  }

  /** The flag's value, empty if it was not given. */
  String text(String name) {
    List<String> given = values.get(name);
    return given == null ? "" : given.getLast();
  }

  List<String> texts(String name) {
    return values.getOrDefault(name, List.of());
  }

  private static BuildException invalid(String message) {
    return new BuildException(Kind.INVALID, message);
  }
}
