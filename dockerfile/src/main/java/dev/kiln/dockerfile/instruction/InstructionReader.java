package dev.kiln.dockerfile.instruction;

import com.google.re2j.Pattern;
import dev.kiln.dockerfile.instruction.Flags.Takes;
import dev.kiln.dockerfile.instruction.Instruction.Origin;
import dev.kiln.dockerfile.lint.Linter;
import dev.kiln.dockerfile.lint.Rule;
import dev.kiln.dockerfile.syntax.Arguments;
import dev.kiln.dockerfile.syntax.Heredoc;
import dev.kiln.dockerfile.syntax.Statement;
import dev.kiln.dockerfile.text.GoText;
import dev.kiln.dockerfile.text.Suggestion;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A statement to an instruction: flags, number of arguments, forms. Rules: features F-80 to F-108,
 * and BuildKit v0.22 {@code frontend/dockerfile/instructions}. One thread, as its linter.
 */
public final class InstructionReader {
  private static final List<String> KEYWORDS =
      List.of(
          "ADD",
          "ARG",
          "CMD",
          "COPY",
          "ENTRYPOINT",
          "ENV",
          "EXPOSE",
          "FROM",
          "HEALTHCHECK",
          "LABEL",
          "MAINTAINER",
          "ONBUILD",
          "RUN",
          "SHELL",
          "STOPSIGNAL",
          "USER",
          "VOLUME",
          "WORKDIR");
  private static final Pattern STAGE_NAME = Pattern.compile("[a-z][a-z0-9-_.]*");
  private static final Pattern ONBUILD = Pattern.compile("(?i)^\\s*ONBUILD\\s*");
  private static final Map<String, Takes> NONE = Map.of();
  private static final Map<String, Takes> OF_FROM = Map.of("platform", Takes.TEXT);
  private static final Map<String, Takes> OF_ADD =
      Map.of(
          "exclude", Takes.MANY_TEXTS,
          "chown", Takes.TEXT,
          "chmod", Takes.TEXT,
          "link", Takes.BOOLEAN,
          "keep-git-dir", Takes.BOOLEAN,
          "checksum", Takes.TEXT,
          "unpack", Takes.BOOLEAN);
  private static final Map<String, Takes> OF_COPY =
      Map.of(
          "exclude", Takes.MANY_TEXTS,
          "parents", Takes.BOOLEAN,
          "chown", Takes.TEXT,
          "from", Takes.TEXT,
          "chmod", Takes.TEXT,
          "link", Takes.BOOLEAN);
  private static final Map<String, Takes> OF_RUN =
      Map.of(
          "mount", Takes.MANY_TEXTS,
          "network", Takes.TEXT,
          "security", Takes.TEXT,
          "device", Takes.MANY_TEXTS);
  private static final Map<String, Takes> OF_HEALTHCHECK =
      Map.of(
          "interval", Takes.TEXT,
          "timeout", Takes.TEXT,
          "start-period", Takes.TEXT,
          "start-interval", Takes.TEXT,
          "retries", Takes.TEXT);

  private final Linter linter;

  public InstructionReader(Linter linter) {
    this.linter = linter;
  }

  /**
   * @throws BuildException {@code INVALID}, without a place: the caller knows it
   */
  public Instruction read(Statement s) {
    var origin = new Origin(s.keyword(), GoText.trim(s.text()), s.ranges());
    return switch (s.keyword().toLowerCase(Locale.ROOT)) {
      case "add" -> add(s, origin);
      case "arg" -> arg(s, origin);
      case "cmd" -> {
        Flags.parse(s.flags(), NONE);
        yield new Instruction.Cmd(origin, command(s));
      }
      case "copy" -> copy(s, origin);
      case "entrypoint" -> {
        Flags.parse(s.flags(), NONE);
        yield new Instruction.Entrypoint(origin, command(s));
      }
      case "env" -> new Instruction.Env(origin, pairs(s, "ENV"));
      case "expose" -> expose(s, origin);
      case "from" -> from(s, origin);
      case "healthcheck" -> healthcheck(s, origin);
      case "label" -> new Instruction.Label(origin, pairs(s, "LABEL"));
      case "maintainer" -> {
        linter.report(
            Rule.MAINTAINER_DEPRECATED,
            "Maintainer instruction is deprecated in favor of using label",
            s.ranges());
        yield new Instruction.Maintainer(origin, only(s, "MAINTAINER"));
      }
      case "onbuild" -> onBuild(s, origin);
      case "run" -> run(s, origin);
      case "shell" -> shell(s, origin);
      case "stopsignal" -> new Instruction.StopSignal(origin, onlyWord(s, "STOPSIGNAL"));
      case "user" -> new Instruction.User(origin, only(s, "USER"));
      case "volume" -> volume(s, origin);
      case "workdir" -> new Instruction.Workdir(origin, only(s, "WORKDIR"));
      default ->
          throw Suggestion.explain(
              invalid("unknown instruction: " + s.keyword()), s.keyword(), KEYWORDS, false);
    };
  }

  private static List<String> words(Arguments arguments) {
    return switch (arguments) {
      case Arguments.Words(var words) -> words;
      case Arguments.Exec(var words) -> words;
      case Arguments.Pairs _, Arguments.Typed _, Arguments.Trigger _, Arguments.Unread _ ->
          List.of();
    };
  }

  private static String onlyWord(Statement s, String keyword) {
    List<String> words = words(s.arguments());
    if (words.size() != 1) {
      throw invalid(keyword + " requires exactly one argument");
    }
    return words.getFirst();
  }

  private static String only(Statement s, String keyword) {
    String word = onlyWord(s, keyword);
    Flags.parse(s.flags(), NONE);
    return word;
  }

  private static List<Arguments.Pair> pairs(Statement s, String keyword) {
    Flags.parse(s.flags(), NONE);
    List<Arguments.Pair> pairs =
        s.arguments() instanceof Arguments.Pairs(var read) ? read : List.of();
    if (pairs.isEmpty()) {
      throw atLeastOne(keyword);
    }
    if (pairs.stream().anyMatch(pair -> pair.key().isEmpty())) {
      throw invalid(keyword + " names can not be blank");
    }
    return pairs;
  }

  private static Instruction add(Statement s, Origin origin) {
    List<String> words = sourcesAndDestination(s, "ADD");
    Flags flags = Flags.parse(s.flags(), OF_ADD);
    return new Instruction.Add(
        origin,
        copying(s, words, flags, "ADD"),
        flags.isTrue("keep-git-dir"),
        flags.text("checksum"),
        flags.isSet("unpack") ? Optional.of(flags.isTrue("unpack")) : Optional.empty());
  }

  private static Instruction copy(Statement s, Origin origin) {
    List<String> words = sourcesAndDestination(s, "COPY");
    Flags flags = Flags.parse(s.flags(), OF_COPY);
    return new Instruction.Copy(
        origin, copying(s, words, flags, "COPY"), flags.text("from"), flags.isTrue("parents"));
  }

  private static List<String> sourcesAndDestination(Statement s, String keyword) {
    List<String> words = words(s.arguments());
    if (words.size() < 2) {
      throw invalid(
          keyword
              + " requires at least two arguments, but only one was provided. Destination could not"
              + " be determined");
    }
    return words;
  }

  private static Instruction.Copying copying(
      Statement s, List<String> words, Flags flags, String keyword) {
    String destination = words.getLast();
    if (Heredoc.parseLenient(destination).isPresent()) {
      throw invalid(keyword + " cannot accept a heredoc as a destination");
    }
    var paths = new ArrayList<String>();
    var inline = new ArrayList<Instruction.InlineFile>();
    for (String source : words.subList(0, words.size() - 1)) {
      Optional<Heredoc> announced = Heredoc.parseLenient(source);
      if (announced.isEmpty()) {
        paths.add(source);
        continue;
      }
      Heredoc named = announced.get();
      String content =
          s.heredocs().stream()
              .filter(h -> h.name().equals(named.name()))
              .reduce((first, second) -> second)
              .map(h -> new Heredoc(h.name(), h.expand(), named.chomp(), h.content()).text())
              .orElse("");
      inline.add(new Instruction.InlineFile(named.name(), content, named.expand()));
    }
    return new Instruction.Copying(
        paths,
        inline,
        destination,
        flags.text("chown"),
        flags.text("chmod"),
        flags.isTrue("link"),
        flags.texts("exclude"));
  }

  private Instruction from(Statement s, Origin origin) {
    List<String> words = words(s.arguments());
    if (words.size() == 3 && !words.get(2).equals(words.get(2).toLowerCase(Locale.ROOT))) {
      linter.report(
          Rule.STAGE_NAME_CASING,
          "Stage name '" + words.get(2) + "' should be lowercase",
          s.ranges());
    }
    if (words.size() >= 3 && !sameCasing(s.keyword(), words.get(1))) {
      linter.report(
          Rule.FROM_AS_CASING,
          "'" + words.get(1) + "' and '" + s.keyword() + "' keywords' casing do not match",
          s.ranges());
    }
    String name = stageName(words);
    Flags flags = Flags.parse(s.flags(), OF_FROM);
    if (!name.isEmpty()) {
      checkDescription("FROM", List.of(name), s);
    }
    return new Instruction.From(
        origin, words.getFirst(), name, flags.text("platform"), comment(s.comments(), name));
  }

  /** Whether {@code as} follows {@code from} in being all lower or all upper case. */
  private static boolean sameCasing(String from, String as) {
    String lower = from.toLowerCase(Locale.ROOT);
    String upper = from.toUpperCase(Locale.ROOT);
    if (from.equals(lower)) {
      return as.equals(as.toLowerCase(Locale.ROOT));
    }
    return !from.equals(upper) || as.equals(as.toUpperCase(Locale.ROOT));
  }

  private static String stageName(List<String> words) {
    if (words.size() == 3 && words.get(1).equalsIgnoreCase("as")) {
      String name = words.get(2).toLowerCase(Locale.ROOT);
      if (!STAGE_NAME.matcher(name).matches()) {
        throw invalid(
            "invalid name for build stage: "
                + GoText.quote(words.get(2))
                + ", name can't start with a number or contain symbols");
      }
      return name;
    }
    if (words.size() != 1) {
      throw invalid("FROM requires either one or three arguments");
    }
    return "";
  }

  private static Instruction onBuild(Statement s, Origin origin) {
    if (!(s.arguments() instanceof Arguments.Trigger(Statement trigger))) {
      throw atLeastOne("ONBUILD");
    }
    Flags.parse(s.flags(), NONE);
    String keyword = trigger.keyword().toUpperCase(Locale.ROOT);
    switch (keyword) {
      case "ONBUILD" -> throw invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
      case "MAINTAINER", "FROM" -> throw invalid(keyword + " isn't allowed as an ONBUILD trigger");
      default -> {}
    }
    var expression = new StringBuilder(ONBUILD.matcher(s.text()).replaceFirst(""));
    for (Heredoc heredoc : s.heredocs()) {
      expression.append('\n').append(heredoc.content()).append(heredoc.name());
    }
    return new Instruction.OnBuild(origin, expression.toString());
  }

  private static Instruction.CommandLine command(Statement s) {
    var documents =
        s.heredocs().stream()
            .map(h -> new Instruction.ShellDocument(h.name(), h.content(), h.text()))
            .toList();
    return switch (s.arguments()) {
      case Arguments.Exec(var words) -> new Instruction.CommandLine(words, false, documents);
      case Arguments other -> new Instruction.CommandLine(words(other), true, documents);
    };
  }

  private static Instruction run(Statement s, Origin origin) {
    Flags flags = Flags.parse(s.flags(), OF_RUN);
    List<String> mounts = flags.texts("mount");
    mounts.forEach(RunMount::from); // reports what can be known before expansion
    String network = flags.isSet("network") ? flags.text("network") : "default";
    if (!List.of("default", "none", "host").contains(network)) {
      throw invalid("invalid network mode " + GoText.quote(network));
    }
    String security = flags.isSet("security") ? flags.text("security") : "sandbox";
    if (!List.of("sandbox", "insecure").contains(security)) {
      throw invalid("security " + GoText.quote(security) + " is not valid");
    }
    return new Instruction.Run(
        origin,
        command(s),
        mounts,
        network,
        security,
        flags.texts("device").stream().map(RunDevice::parse).toList());
  }

  private static Instruction healthcheck(Statement s, Origin origin) {
    if (!(s.arguments() instanceof Arguments.Typed(String type, Arguments rest))) {
      throw atLeastOne("HEALTHCHECK");
    }
    List<String> words = words(rest);
    String kind = type.toUpperCase(Locale.ROOT);
    if (kind.equals("NONE")) {
      if (!words.isEmpty()) {
        throw invalid("HEALTHCHECK NONE takes no arguments");
      }
      Duration none = Duration.ZERO;
      return new Instruction.Healthcheck(origin, List.of(kind), none, none, none, none, 0);
    }
    Flags flags = Flags.parse(s.flags(), OF_HEALTHCHECK);
    if (!kind.equals("CMD")) {
      throw invalid("Unknown type " + GoText.quote(kind) + " in HEALTHCHECK (try CMD)");
    }
    if (words.isEmpty()) {
      throw invalid("Missing command after HEALTHCHECK CMD");
    }
    var test = new ArrayList<String>();
    test.add(rest instanceof Arguments.Exec ? "CMD" : "CMD-SHELL");
    test.addAll(words);
    return new Instruction.Healthcheck(
        origin,
        test,
        interval(flags, "interval"),
        interval(flags, "timeout"),
        interval(flags, "start-period"),
        interval(flags, "start-interval"),
        retries(flags.text("retries")));
  }

  private static int retries(String text) {
    if (text.isEmpty()) {
      return 0;
    }
    long retries = GoText.parseInt(text, 10, 32);
    if (retries < 0) {
      throw invalid("--retries cannot be negative (" + retries + ")");
    }
    return (int) retries;
  }

  private static Duration interval(Flags flags, String name) {
    String text = flags.text(name);
    if (text.isEmpty()) {
      return Duration.ZERO;
    }
    Duration duration = GoText.parseDuration(text);
    if (!duration.isZero() && duration.compareTo(Duration.ofMillis(1)) < 0) {
      throw invalid("Interval " + GoText.quote(name) + " cannot be less than 1ms");
    }
    return duration;
  }

  private static Instruction expose(Statement s, Origin origin) {
    List<String> ports = words(s.arguments());
    if (ports.isEmpty()) {
      throw atLeastOne("EXPOSE");
    }
    Flags.parse(s.flags(), NONE);
    return new Instruction.Expose(origin, ports.stream().sorted().toList());
  }

  private static Instruction volume(Statement s, Origin origin) {
    List<String> words = words(s.arguments());
    if (words.isEmpty()) {
      throw atLeastOne("VOLUME");
    }
    Flags.parse(s.flags(), NONE);
    List<String> paths = words.stream().map(GoText::trim).toList();
    if (paths.contains("")) {
      throw invalid("VOLUME specified can not be an empty string");
    }
    return new Instruction.Volume(origin, paths);
  }

  private Instruction arg(Statement s, Origin origin) {
    List<String> words = words(s.arguments());
    if (words.isEmpty()) {
      throw atLeastOne("ARG");
    }
    var declarations = new ArrayList<Instruction.Declaration>();
    for (String word : words) {
      int equals = word.indexOf('=');
      if (equals == 0) {
        throw invalid("ARG names can not be blank");
      }
      String name = equals < 0 ? word : word.substring(0, equals);
      declarations.add(
          new Instruction.Declaration(
              name,
              equals < 0 ? Optional.empty() : Optional.of(word.substring(equals + 1)),
              comment(s.comments(), name)));
    }
    checkDescription("ARG", declarations.stream().map(Instruction.Declaration::name).toList(), s);
    return new Instruction.Arg(origin, declarations);
  }

  private static Instruction shell(Statement s, Origin origin) {
    Flags.parse(s.flags(), NONE);
    List<String> words = words(s.arguments());
    if (words.isEmpty()) {
      throw atLeastOne("SHELL");
    }
    if (!(s.arguments() instanceof Arguments.Exec)) {
      throw invalid(
          "SHELL requires the arguments to be in JSON form"); // what is meant cannot be guessed
    }
    return new Instruction.Shell(origin, words);
  }

  /** The description in {@code # NAME description} above the instruction. */
  private static String comment(List<String> comments, String name) {
    return name.isEmpty()
        ? ""
        : comments.stream()
            .filter(line -> line.startsWith(name + " "))
            .findFirst()
            .map(line -> line.substring(name.length() + 1))
            .orElse("");
  }

  private void checkDescription(String keyword, List<String> names, Statement s) {
    if (s.comments().isEmpty() || names.isEmpty()) {
      return;
    }
    String first = s.comments().getLast().split(" ", 2)[0];
    if (!names.contains(first)) {
      String example = names.size() > 1 ? "<arg_key>" : names.getFirst();
      linter.report(
          Rule.INVALID_DEFINITION_DESCRIPTION,
          "Comment for " + keyword + " should follow the format: `# " + example + " <description>`",
          s.ranges());
    }
  }

  private static BuildException atLeastOne(String keyword) {
    return invalid(keyword + " requires at least one argument");
  }

  private static BuildException invalid(String message) {
    return new BuildException(Kind.INVALID, message);
  }
}
