package dev.kiln.dockerfile.syntax;

import dev.kiln.dockerfile.text.GoText;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.model.SourceRange;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Reads a Dockerfile's text into statements, in one pass over its lines. One object parses one
 * text; not for use by several threads. Rules: features F-50 to F-58, and BuildKit v0.22 {@code
 * frontend/dockerfile/parser}.
 */
public final class DockerfileParser {
  private static final Set<String> TAKES_HEREDOC = Set.of("add", "copy", "run");

  private final LineReader lines;
  private final Directives directives = new Directives();
  private final List<Statement> statements = new ArrayList<>();
  private final List<SourceRange> emptyContinuations = new ArrayList<>();
  private List<String> comments = new ArrayList<>();
  private char escape = '\\';

  private DockerfileParser(String text) {
    this.lines = new LineReader(Directives.withoutMark(text));
  }

  /**
   * @throws LocatedException with the lines of the first mistake
   */
  public static DockerfileText parse(String text) {
    return new DockerfileParser(text).run();
  }

  private DockerfileText run() {
    for (Optional<String> raw = lines.next(); raw.isPresent(); raw = lines.next()) {
      String line = firstLine(raw.get());
      int start = lines.line();
      boolean continued = isContinued(line);
      if (!continued && line.isEmpty()) {
        continue;
      }
      String instruction = continued ? joined(withoutEscape(line)) : line;
      try {
        statements.add(statement(instruction, start));
      } catch (BuildException e) {
        throw LocatedException.at(Statement.lines(start, lines.line()), e);
      }
      comments = new ArrayList<>();
    }
    if (statements.isEmpty()) {
      int last = Math.max(1, lines.line());
      throw LocatedException.at(
          Statement.lines(last, last),
          new BuildException(Kind.INVALID, "file with no instructions"));
    }
    return new DockerfileText(statements, escape, emptyContinuations);
  }

  /** A line where an instruction may begin: comments and directives are taken out of it. */
  private String firstLine(String raw) {
    String line = GoText.trimLeft(withoutNewline(raw));
    Optional<Directives.Directive> directive;
    try {
      directive = directives.next(line);
      if (directive.isPresent() && directive.get().name().equals("escape")) {
        escape = escapeCharacter(directive.get().value());
      }
    } catch (BuildException e) {
      throw LocatedException.at(Statement.lines(lines.line(), lines.line()), e);
    }
    if (!line.startsWith("#")) {
      return line;
    }
    if (directive.isEmpty()) {
      String comment = GoText.trim(line.substring(1));
      if (comment.isEmpty()) {
        comments = new ArrayList<>();
      } else {
        comments.add(comment);
      }
    }
    return "";
  }

  private static char escapeCharacter(String value) {
    if (!value.equals("`") && !value.equals("\\")) {
      throw new BuildException(
          Kind.INVALID, "invalid escape token '" + value + "' does not match ` or \\");
    }
    return value.charAt(0);
  }

  /** {@code first} and the lines that continue it; comments between them are left out. */
  private String joined(String first) {
    var instruction = new StringBuilder(first);
    boolean emptyLine = false;
    boolean continued = true;
    while (continued) {
      Optional<String> raw = lines.next();
      if (raw.isEmpty()) {
        break;
      }
      String line = withoutNewline(raw.get());
      String content = GoText.trimLeft(line);
      if (content.startsWith("#")) {
        continue;
      }
      if (content.isEmpty()) {
        emptyLine = true;
        continue;
      }
      continued = isContinued(line);
      instruction.append(continued ? withoutEscape(line) : line);
    }
    if (emptyLine) {
      emptyContinuations.add(SourceRange.lines(lines.line(), lines.line()));
    }
    return instruction.toString();
  }

  private Statement statement(String instruction, int start) {
    Statement read = new StatementReader(escape).read(instruction, comments, start, lines.line());
    if (!takesHeredoc(read) || !instruction.contains("<<")) {
      return read;
    }
    var documents = new ArrayList<Heredoc>();
    for (Heredoc announced : Heredoc.announcedIn(instruction)) {
      documents.add(announced.withContent(content(announced)));
    }
    return read.withHeredocs(documents, lines.line());
  }

  private static boolean takesHeredoc(Statement statement) {
    if (statement.arguments() instanceof Arguments.Trigger(Statement inner)) {
      return takesHeredoc(inner);
    }
    return TAKES_HEREDOC.contains(statement.keyword().toLowerCase(Locale.ROOT))
        && !(statement.arguments() instanceof Arguments.Exec);
  }

  private String content(Heredoc document) {
    var content = new StringBuilder();
    for (Optional<String> raw = lines.next(); raw.isPresent(); raw = lines.next()) {
      String line = withoutNewline(raw.get());
      if ((document.chomp() ? withoutLeadingTabs(line) : line).equals(document.name())) {
        return content.toString();
      }
      content.append(raw.get());
    }
    throw new BuildException(Kind.INVALID, "unterminated heredoc");
  }

  private static String withoutLeadingTabs(String line) {
    int start = 0;
    while (start < line.length() && line.charAt(start) == '\t') {
      start++;
    }
    return line.substring(start);
  }

  private static String withoutNewline(String line) {
    int end = line.length();
    while (end > 0 && (line.charAt(end - 1) == '\n' || line.charAt(end - 1) == '\r')) {
      end--;
    }
    return line.substring(0, end);
  }

  /** Ends in an escape character that is not itself escaped; blanks may follow it. */
  private boolean isContinued(String line) {
    int last = lastSolid(line);
    return last >= 0
        && line.charAt(last) == escape
        && (last == 0 || line.charAt(last - 1) != escape);
  }

  private static String withoutEscape(String line) {
    return line.substring(0, lastSolid(line));
  }

  private static int lastSolid(String line) {
    int last = line.length() - 1;
    while (last >= 0 && (line.charAt(last) == ' ' || line.charAt(last) == '\t')) {
      last--;
    }
    return last;
  }
}
