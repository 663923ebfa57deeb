package dev.kiln.dockerfile.instruction;

import dev.kiln.dockerfile.text.CsvLine;
import dev.kiln.dockerfile.text.Suggestion;
import dev.kiln.model.BuildException;
import dev.kiln.model.GoBool;
import dev.kiln.model.Kind;
import java.util.List;
import java.util.Locale;

/** Reads {@code RUN --device=[name=]NAME[,required]} (features F-90). Pure. */
final class RunDevice {
  private RunDevice() {}

  static Instruction.Device parse(String value) {
    String name = "";
    boolean required = false;
    for (String field : fields(value)) {
      int equals = field.indexOf('=');
      String key = (equals < 0 ? field : field.substring(0, equals)).toLowerCase(Locale.ROOT);
      if (equals < 0) {
        if (key.equals("required")) {
          required = true;
        } else if (name.isEmpty()) {
          name = field;
        } else {
          throw invalid("invalid field '" + field + "' must be a key=value pair");
        }
        continue;
      }
      String text = field.substring(equals + 1);
      switch (key) {
        case "name" -> {
          if (!name.isEmpty()) {
            throw invalid("device name already set to " + name);
          }
          name = text;
        }
        case "required" ->
            required =
                GoBool.parse(text)
                    .orElseThrow(() -> invalid("invalid value for " + key + ": " + text));
        default -> {
          if (!name.isEmpty()) {
            throw Suggestion.explain(
                invalid("unexpected key '" + key + "' in '" + field + "'"),
                key,
                List.of("name", "required"),
                true);
          }
          name = field; // vendor/class=device
        }
      }
    }
    return new Instruction.Device(name, required);
  }

  private static List<String> fields(String value) {
    try {
      return CsvLine.fields(value);
    } catch (BuildException e) {
      throw e.wrap("failed to parse csv devices");
    }
  }

  private static BuildException invalid(String message) {
    return new BuildException(Kind.INVALID, message);
  }
}
