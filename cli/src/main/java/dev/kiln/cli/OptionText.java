package dev.kiln.cli;

import dev.kiln.cli.lend.Lent;
import dev.kiln.model.BuildException;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** The small languages in option values: {@code key=value} pairs between commas. Stateless. */
final class OptionText {
  private static final Set<String> FILE_TYPES = Set.of("tar", "oci", "docker");
  private static final Set<String> SECRET_KEYS = Set.of("id", "type", "src", "source", "env");
  private static final int MAX_SECRET_BYTES = 500 << 10;

  private OptionText() {}

  /**
   * {@code key=value,key=value}; a value may stand in double quotes, doubled inside.
   *
   * @param option the flag that an error names
   */
  static Map<String, String> pairs(String option, String text) {
    var pairs = new LinkedHashMap<String, String>();
    for (String field : fields(text)) {
      int equals = field.indexOf('=');
      if (equals < 0) {
        throw invalid(option + " '" + text + "': '" + field + "' is not key=value");
      }
      pairs.put(
          field.substring(0, equals).strip().toLowerCase(java.util.Locale.ROOT),
          field.substring(equals + 1));
    }
    return pairs;
  }

  // As in CSV: "a,b" is one field.
  private static List<String> fields(String text) {
    var fields = new ArrayList<String>();
    var field = new StringBuilder();
    boolean quoted = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"') {
        if (quoted && i + 1 < text.length() && text.charAt(i + 1) == '"') {
          field.append('"');
          i++;
        } else {
          quoted = !quoted;
        }
      } else if (c == ',' && !quoted) {
        fields.add(field.toString());
        field.setLength(0);
      } else {
        field.append(c);
      }
    }
    fields.add(field.toString());
    return fields;
  }

  /** {@code type=local,dest=out}, or just a folder, or {@code -} for a tar on standard output. */
  static Output output(String text) {
    if (text.equals("-")) {
      return new Output("tar", Map.of(), new Output.Target.StandardOutput());
    }
    if (text.indexOf('=') < 0) {
      return new Output("local", Map.of(), directory(text));
    }
    Map<String, String> pairs = pairs("--output", text);
    String type = pairs.remove("type");
    if (type == null) {
      throw invalid("--output '" + text + "' needs type=image, local, tar, oci or docker");
    }
    if (type.equals("registry")) {
      pairs.put("push", "true");
      return new Output("image", pairs, new Output.Target.Nowhere());
    }
    boolean files = type.equals("local") || FILE_TYPES.contains(type);
    if (!files) {
      return new Output(type, pairs, new Output.Target.Nowhere());
    }
    String dest = pairs.remove("dest");
    if (dest == null || dest.isEmpty()) {
      throw invalid(
          "--output '" + text + "' needs dest=" + (type.equals("local") ? "DIR" : "FILE"));
    }
    if (type.equals("local")) {
      return new Output(type, pairs, directory(dest));
    }
    if ("false".equals(pairs.get("tar"))) {
      throw invalid("--output with tar=false is not supported by kiln build");
    }
    return new Output(
        type,
        pairs,
        dest.equals("-")
            ? new Output.Target.StandardOutput()
            : new Output.Target.File(GivenFiles.writable("--output dest=", Path.of(dest))));
  }

  private static Output.Target directory(String dest) {
    return new Output.Target.Directory(
        GivenFiles.writableDirectory("--output dest=", Path.of(dest)));
  }

  /**
   * {@code id=NAME[,src=FILE|,env=VARIABLE]}; without a source, a variable or file of its name.
   * What is taken and refused: BuildKit v0.22 {@code cmd/buildctl/build/secret.go}, {@code
   * session/secrets/secretsprovider}.
   *
   * @param notes told of a variable that is not set, which is an empty secret
   */
  static Map.Entry<String, Lent.SecretSource> secret(String text, Consumer<String> notes) {
    Map<String, String> pairs = pairs("--secret", text);
    String id = pairs.getOrDefault("id", "");
    if (id.isEmpty()) {
      throw invalid("--secret '" + text + "' needs an id");
    }
    for (String key : pairs.keySet()) {
      if (!SECRET_KEYS.contains(key)) {
        throw invalid("--secret '" + text + "': no '" + key + "' is known, only id, src and env");
      }
    }
    if (!List.of("file", "env").contains(pairs.getOrDefault("type", "file"))) {
      throw invalid("--secret '" + text + "': the type is file or env");
    }
    String file = pairs.getOrDefault("src", pairs.getOrDefault("source", ""));
    String variable = pairs.getOrDefault("env", "");
    if ("env".equals(pairs.get("type")) && variable.isEmpty()) {
      variable = file.isEmpty() ? id : file;
      file = "";
    }
    if (file.isEmpty() && variable.isEmpty()) {
      if (System.getenv(id) != null) {
        variable = id;
      } else {
        file = id;
      }
    }
    if (!variable.isEmpty()) {
      if (System.getenv(variable) == null) {
        notes.accept(
            "--secret id=" + id + ": the variable " + variable + " is not set, so it is empty");
      }
      return Map.entry(id, new Lent.SecretSource.InEnvironment(variable));
    }
    String flag = "--secret id=" + id + ",src=";
    Path path = GivenFiles.file(flag, Path.of(file));
    if (path.toFile().length() > MAX_SECRET_BYTES) {
      throw GivenFiles.wrong(
          flag, path, "it has more than " + MAX_SECRET_BYTES + " bytes, the most of a secret");
    }
    return Map.entry(id, new Lent.SecretSource.InFile(path));
  }

  /** {@code default} or {@code ID[=SOCKET]}; without a socket, that of {@code SSH_AUTH_SOCK}. */
  static Map.Entry<String, Path> ssh(String text) {
    int equals = text.indexOf('=');
    String id = equals < 0 ? text : text.substring(0, equals);
    String socket = equals < 0 ? "" : text.substring(equals + 1);
    if (socket.isEmpty()) {
      socket = System.getenv().getOrDefault("SSH_AUTH_SOCK", "");
    }
    if (socket.isEmpty()) {
      throw invalid("--ssh " + text + ": no agent's socket given, and SSH_AUTH_SOCK is not set");
    }
    Path path = GivenFiles.file("--ssh " + id + "=", Path.of(socket));
    if (Files.isRegularFile(path)) {
      throw GivenFiles.wrong(
          "--ssh " + id + "=", path, "not a socket: add the key to an ssh-agent and give its");
    }
    return Map.entry(id.isEmpty() ? "default" : id, path);
  }

  /** {@code key=value}; without a value that of the environment, if there is one. */
  static Map.Entry<String, String> argument(String option, String text) {
    int equals = text.indexOf('=');
    if (equals == 0) {
      throw invalid(option + " " + text + ": the name before '=' is missing");
    }
    if (equals > 0) {
      return Map.entry(text.substring(0, equals), text.substring(equals + 1));
    }
    String value = System.getenv(text);
    if (value == null) {
      throw invalid(option + " " + text + ": give a value, or set the variable of that name");
    }
    return Map.entry(text, value);
  }

  /**
   * Sees that an image's name is one.
   *
   * @throws BuildException if it is not, with the flag
   */
  static void tag(String name) {
    try {
      var _ = ImageRef.parseNormalized(name);
    } catch (BuildException e) {
      throw invalid("--tag " + name + ": " + e.getMessage());
    }
  }

  static BuildException invalid(String message) {
    return new BuildException(Kind.INVALID, message);
  }
}
