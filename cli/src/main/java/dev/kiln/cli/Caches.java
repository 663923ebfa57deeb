package dev.kiln.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.kiln.cli.lend.LayoutIndex;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * The caches that a build reads and writes: what {@code --cache-from} and {@code --cache-to} ask
 * for. Immutable.
 *
 * @param folders that the daemon reads and writes on this machine, by their stores' ids
 * @param tags under which caches are written, by their folders
 */
record Caches(
    List<Entry> imports, List<Entry> exports, Map<String, Path> folders, Map<Path, String> tags) {
  static final Caches NONE = new Caches(List.of(), List.of(), Map.of(), Map.of());

  private static final List<String> TYPES =
      List.of("registry", "local", "gha", "s3", "azblob", "inline");
  private static final ObjectMapper JSON = new ObjectMapper();

  /** One cache; {@code attributes} are without the type. */
  record Entry(String type, Map<String, String> attributes) {
    Entry {
      attributes = Map.copyOf(attributes);
    }
  }

  Caches {
    imports = List.copyOf(imports);
    exports = List.copyOf(exports);
    folders = Map.copyOf(folders);
    tags = Map.copyOf(tags);
  }

  /**
   * Reads the flags' values.
   *
   * @param environment holds what GitHub tells its actions of their cache
   * @param notes told of a cache folder that is not there yet, which is no error
   * @throws BuildException {@code INVALID} for a value that names no cache
   */
  static Caches read(
      List<String> from, List<String> to, Map<String, String> environment, Consumer<String> notes) {
    var imports = new ArrayList<Entry>();
    var exports = new ArrayList<Entry>();
    var folders = new LinkedHashMap<String, Path>();
    var tags = new LinkedHashMap<Path, String>();
    for (String text : from) {
      Map<String, String> attributes = attributes("--cache-from", text, environment);
      String type = typeOutOf(attributes);
      if (type.equals("inline")) {
        throw OptionText.invalid(
            "--cache-from '" + text + "': an inline cache is read by type=registry,ref=IMAGE");
      }
      if (!type.equals("local") || isThere(text, attributes, folders, notes)) {
        imports.add(new Entry(type, attributes));
      }
    }
    for (String text : to) {
      Map<String, String> attributes = attributes("--cache-to", text, environment);
      String type = typeOutOf(attributes);
      mode(text, attributes);
      if (type.equals("local")) {
        String folder = required("--cache-to", text, attributes, "dest", "DIR");
        Path path = GivenFiles.writableDirectory("--cache-to type=local,dest=", Path.of(folder));
        folders.put("local:" + folder, path);
        tags.put(path, attributes.getOrDefault("tag", LayoutIndex.LATEST));
      }
      exports.add(new Entry(type, attributes));
    }
    return new Caches(imports, exports, folders, tags);
  }

  /** {@code type=…,key=value}, or an image's name alone as Docker's clients take it. */
  private static Map<String, String> attributes(
      String flag, String text, Map<String, String> environment) {
    var attributes = new LinkedHashMap<String, String>();
    if (text.indexOf('=') < 0) {
      attributes.put("type", "registry");
      attributes.put("ref", text.strip());
    } else {
      attributes.putAll(OptionText.pairs(flag, text));
    }
    String type = attributes.getOrDefault("type", "");
    if (type.isEmpty()) {
      throw OptionText.invalid(flag + " '" + text + "' needs a type: " + known());
    }
    if (!TYPES.contains(type)) {
      throw OptionText.invalid(
          flag + " '" + text + "': no cache of type '" + type + "' is known, only " + known());
    }
    if (type.equals("registry")) {
      required(flag, text, attributes, "ref", "NAME");
    }
    if (type.equals("gha")) {
      github(flag, text, attributes, environment);
    }
    return attributes;
  }

  private static String typeOutOf(Map<String, String> attributes) {
    String type = attributes.getOrDefault("type", "");
    attributes.remove("type");
    return type;
  }

  private static String known() {
    return String.join(", ", TYPES);
  }

  private static String required(
      String flag, String text, Map<String, String> attributes, String key, String value) {
    String given = attributes.getOrDefault(key, "");
    if (given.isEmpty()) {
      throw OptionText.invalid(flag + " '" + text + "' needs " + key + "=" + value);
    }
    return given;
  }

  private static void mode(String text, Map<String, String> attributes) {
    String mode = attributes.computeIfAbsent("mode", _ -> "min");
    if (!mode.equals("min") && !mode.equals("max")) {
      throw OptionText.invalid("--cache-to '" + text + "': the mode is min or max");
    }
  }

  /**
   * What GitHub's actions find in their environment (BuildKit v0.22 {@code cmd/buildctl/build}).
   */
  private static void github(
      String flag, String text, Map<String, String> attributes, Map<String, String> environment) {
    String results = environment.get("ACTIONS_RESULTS_URL");
    boolean second =
        attributes.containsKey("version")
            ? "2".equals(attributes.get("version"))
            : List.of("1", "t", "true").contains(lower(environment, "ACTIONS_CACHE_SERVICE_V2"));
    if (second && results != null) {
      attributes.putIfAbsent("url_v2", results);
    }
    String url = environment.getOrDefault("ACTIONS_CACHE_URL", results);
    if (url != null) {
      attributes.putIfAbsent("url", url);
    }
    String token = environment.get("ACTIONS_RUNTIME_TOKEN");
    if (token != null) {
      attributes.putIfAbsent("token", token);
    }
    boolean known = attributes.containsKey("url") || attributes.containsKey("url_v2");
    if (!known || !attributes.containsKey("token")) {
      throw OptionText.invalid(
          flag
              + " '"
              + text
              + "' needs url and token, or the variables ACTIONS_CACHE_URL or ACTIONS_RESULTS_URL,"
              + " and ACTIONS_RUNTIME_TOKEN");
    }
  }

  private static String lower(Map<String, String> environment, String variable) {
    return environment.getOrDefault(variable, "").toLowerCase(java.util.Locale.ROOT);
  }

  /** Finds the cache in a folder; the first build of all has none yet. */
  private static boolean isThere(
      String text,
      Map<String, String> attributes,
      Map<String, Path> folders,
      Consumer<String> notes) {
    String folder = required("--cache-from", text, attributes, "src", "DIR");
    Path path = Path.of(folder);
    String tag = attributes.getOrDefault("tag", LayoutIndex.LATEST);
    try {
      if (attributes.getOrDefault("digest", "").isEmpty()) {
        LayoutIndex.find(path, tag).ifPresent(found -> attributes.put("digest", found));
      }
      if (attributes.containsKey("digest") && Files.isDirectory(path)) {
        folders.put("local:" + folder, path);
        return true;
      }
      notes.accept(
          "--cache-from type=local: " + folder + " holds no cache '" + tag + "'; going on");
    } catch (IOException e) {
      notes.accept(
          "--cache-from type=local: " + folder + ": " + GivenFiles.reason(e) + "; going on");
    }
    return false;
  }

  /** The imports as frontends read them (BuildKit v0.22 {@code client/solve.go}). */
  String frontendAttribute() {
    var all = new ArrayList<Map<String, Object>>();
    for (Entry entry : imports) {
      var one = new TreeMap<String, Object>();
      one.put("Type", entry.type());
      one.put("Attrs", new TreeMap<>(entry.attributes()));
      all.add(one);
    }
    try {
      return JSON.writeValueAsString(all);
    } catch (JsonProcessingException e) {
      throw new BuildException(Kind.INTERNAL, "cannot write the caches as JSON", e);
    }
  }

  /**
   * Lists what was written into folders in their indexes.
   *
   * @param response of the solve
   * @throws BuildException where an index cannot be written
   */
  void list(Map<String, String> response) {
    if (tags.isEmpty()) {
      return;
    }
    String manifest = response.get("cache.manifest");
    if (manifest == null) {
      throw new BuildException(Kind.UNKNOWN, "the daemon did not tell which cache it wrote");
    }
    tags.forEach((folder, tag) -> {
      try {
        LayoutIndex.put(folder, manifest, tag);
        removeIfEmpty(folder.resolve("ingest"));
      } catch (IOException e) {
        throw new BuildException(
            Kind.UNKNOWN, "--cache-to: index.json of " + folder + ": " + GivenFiles.reason(e), e);
      }
    });
  }

  private static void removeIfEmpty(Path folder) throws IOException {
    try {
      Files.deleteIfExists(folder);
    } catch (DirectoryNotEmptyException e) {
      // of another build, or of one that was cut off
    }
  }
}
