package dev.kiln.dockerfile.instruction;

import dev.kiln.dockerfile.text.CsvLine;
import dev.kiln.dockerfile.text.GoText;
import dev.kiln.dockerfile.text.Suggestion;
import dev.kiln.model.BuildException;
import dev.kiln.model.GoBool;
import dev.kiln.model.Kind;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * A {@code RUN --mount} after expansion (features F-82 to F-87). Immutable; absent texts are empty.
 *
 * @param env name of the variable that takes a secret; an empty name is the default one
 */
public record RunMount(
    Type type,
    String from,
    String source,
    String target,
    boolean readOnly,
    long sizeBytes,
    String id,
    Optional<Sharing> sharing,
    boolean required,
    Optional<String> env,
    Optional<Integer> mode,
    Optional<Integer> uid,
    Optional<Integer> gid) {

  /** What is mounted. */
  public enum Type {
    BIND,
    CACHE,
    TMPFS,
    SECRET,
    SSH;

    String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Who may use a cache mount at one time. */
  public enum Sharing {
    SHARED,
    PRIVATE,
    LOCKED;

    String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private static final List<String> KEYS =
      List.of(
          "type",
          "from",
          "source",
          "target",
          "readonly",
          "id",
          "sharing",
          "required",
          "size",
          "mode",
          "uid",
          "gid",
          "src",
          "dst",
          "destination",
          "ro",
          "rw",
          "readwrite",
          "env");

  /** Whether a mode and an owner may be given. */
  public boolean hasOwnership() {
    return uid.isPresent() || gid.isPresent() || mode.isPresent();
  }

  /**
   * The stage or image named by {@code from=}, before expansion; empty if there is none.
   *
   * @throws BuildException {@code INVALID} if it holds a variable
   */
  public static String from(String value) {
    String from = "";
    for (String field : fields(value)) {
      int equals = field.indexOf('=');
      if (equals < 0 || !field.substring(0, equals).equalsIgnoreCase("from")) {
        continue;
      }
      from = field.substring(equals + 1);
      int dollar = from.indexOf('$');
      if (dollar >= 0 && dollar != from.length() - 1) {
        throw invalid("'from' doesn't support variable expansion, define alias stage instead");
      }
    }
    return from;
  }

  /**
   * @throws BuildException {@code INVALID}, naming the field
   */
  public static RunMount parse(String value, UnaryOperator<String> expand) {
    var read = new Reader(expand);
    fields(value).forEach(read::field);
    return read.finish();
  }

  private static List<String> fields(String value) {
    try {
      return CsvLine.fields(value);
    } catch (BuildException e) {
      throw e.wrap("failed to parse csv mounts");
    }
  }

  /** Gathers the fields of one mount; later ones are checked against the type so far. */
  private static final class Reader {
    private final UnaryOperator<String> expand;
    private Type type = Type.BIND;
    private String from = "";
    private String source = "";
    private String target = "";
    private Optional<Boolean> readOnly = Optional.empty();
    private long sizeBytes;
    private String id = "";
    private Optional<Sharing> sharing = Optional.empty();
    private boolean required;
    private Optional<String> env = Optional.empty();
    private Optional<Integer> mode = Optional.empty();
    private Optional<Integer> uid = Optional.empty();
    private Optional<Integer> gid = Optional.empty();

    Reader(UnaryOperator<String> expand) {
      this.expand = expand;
    }

    void field(String field) {
      int equals = field.indexOf('=');
      if (equals < 0) {
        bare(field);
      } else {
        pair(
            field.substring(0, equals).toLowerCase(Locale.ROOT),
            expand.apply(field.substring(equals + 1)),
            field);
      }
    }

    private void bare(String field) {
      String key = field.toLowerCase(Locale.ROOT);
      switch (key) {
        case "readonly", "ro" -> readOnly = Optional.of(true);
        case "readwrite", "rw" -> readOnly = Optional.of(false);
        case "required" -> {
          onlyFor(key, Type.SECRET, Type.SSH);
          required = true;
        }
        default -> throw invalid("invalid field '" + field + "' must be a key=value pair");
      }
    }

    private void pair(String key, String value, String field) {
      switch (key) {
        case "type" -> type = type(value);
        case "from" -> from = value;
        case "source", "src" -> source = value;
        case "target", "dst", "destination" -> target = value;
        case "readonly", "ro" -> readOnly = Optional.of(bool(key, value));
        case "readwrite", "rw" -> readOnly = Optional.of(!bool(key, value));
        case "required" -> {
          onlyFor(key, Type.SECRET, Type.SSH);
          required = bool(key, value);
        }
        case "size" -> {
          onlyFor(key, Type.TMPFS);
          sizeBytes = size(key, value);
        }
        case "id" -> id = value;
        case "sharing" -> sharing = Optional.of(sharing(value));
        case "mode" -> mode = Optional.of(number(key, value, 8));
        case "uid" -> uid = Optional.of(number(key, value, 10));
        case "gid" -> gid = Optional.of(number(key, value, 10));
        case "env" -> env = Optional.of(value);
        default ->
            throw Suggestion.explain(
                invalid("unexpected key '" + key + "' in '" + field + "'"), key, KEYS, true);
      }
    }

    private void onlyFor(String key, Type... types) {
      if (!Arrays.asList(types).contains(type)) {
        throw invalid("unexpected key '" + key + "' for mount type '" + type.word() + "'");
      }
    }

    RunMount finish() {
      boolean owned = type == Type.SECRET || type == Type.SSH || type == Type.CACHE;
      if (!owned) {
        notAllowed("mode", mode);
        notAllowed("uid", uid);
        notAllowed("gid", gid);
      }
      if (type == Type.SECRET) {
        checkSecret();
      }
      if (sharing.isPresent() && type != Type.CACHE) {
        throw invalid("invalid cache sharing set for " + type.word() + " mount");
      }
      boolean writableByDefault = type == Type.CACHE || type == Type.TMPFS;
      return new RunMount(
          type,
          from,
          source,
          target,
          readOnly.orElse(!writableByDefault),
          sizeBytes,
          id,
          sharing,
          required,
          env,
          mode,
          uid,
          gid);
    }

    private void notAllowed(String key, Optional<Integer> value) {
      if (value.isPresent()) {
        throw invalid(key + " not allowed for " + GoText.quote(type.word()) + " type mounts");
      }
    }

    private void checkSecret() {
      if (!from.isEmpty()) {
        throw invalid("secret mount should not have a from");
      }
      if (sharing.isPresent()) {
        throw invalid("secret mount should not define sharing");
      }
      if (source.isEmpty() && target.isEmpty() && id.isEmpty()) {
        throw invalid("invalid secret mount. one of source, target required");
      }
      if (!source.isEmpty() && !id.isEmpty()) {
        throw invalid("both source and id can't be set");
      }
    }
  }

  private static Type type(String value) {
    return Arrays.stream(Type.values())
        .filter(t -> t.word().equals(value.toLowerCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(() ->
            Suggestion.explain(
                invalid("unsupported mount type " + GoText.quote(value.toLowerCase(Locale.ROOT))),
                value,
                Arrays.stream(Type.values()).map(Type::word).toList(),
                true));
  }

  private static Sharing sharing(String value) {
    return Arrays.stream(Sharing.values())
        .filter(s -> s.word().equals(value.toLowerCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(() ->
            Suggestion.explain(
                invalid("unsupported sharing value " + GoText.quote(value)),
                value,
                Arrays.stream(Sharing.values()).map(Sharing::word).toList(),
                true));
  }

  private static boolean bool(String key, String value) {
    return GoBool.parse(value)
        .orElseThrow(() -> invalid("invalid value for " + key + ": " + value));
  }

  /** A 32-bit number without sign, kept in an int. */
  private static int number(String key, String value, int radix) {
    if (!value.isEmpty()
        && value.chars().allMatch(c -> c < 128 && Character.digit(c, radix) >= 0)) {
      try {
        return Integer.parseUnsignedInt(value, radix);
      } catch (NumberFormatException e) {
        throw invalid("invalid value " + value + " for " + key);
      }
    }
    throw invalid("invalid value " + value + " for " + key);
  }

  /** Of a size: longer numbers take a time that grows with the square. */
  private static final int MOST_DIGITS = 1_000;

  /** Bytes, or a number with k, m, g, t or p (powers of 1024), as Docker writes memory sizes. */
  private static long size(String key, String value) {
    var m =
        com.google.re2j.Pattern.compile(
                "([0-9]+(?:\\.[0-9]*)?|\\.[0-9]+) ?(?:([kmgtp])(?:i?b)?|b)?",
                com.google.re2j.Pattern.CASE_INSENSITIVE)
            .matcher(value);
    if (value.length() > MOST_DIGITS || !m.matches()) {
      throw invalid("invalid value for " + key + ": " + value);
    }
    String unit = m.group(2) == null ? "" : m.group(2).toLowerCase(Locale.ROOT);
    int power = unit.isEmpty() ? 0 : "kmgtp".indexOf(unit) + 1;
    return new BigDecimal(m.group(1).endsWith(".") ? m.group(1) + "0" : m.group(1))
        .multiply(BigDecimal.valueOf(1024).pow(power))
        .longValue();
  }

  private static BuildException invalid(String message) {
    return new BuildException(Kind.INVALID, message);
  }
}
