package dev.kiln.dockerfile.syntax;

import dev.kiln.model.SourceRange;
import java.util.List;
import java.util.stream.IntStream;

/**
 * One instruction as it stands in the file. Immutable.
 *
 * @param keyword the first word, in the letter case of the file
 * @param text the whole instruction with its continuations joined, without heredocs; blanks at its
 *     end are kept
 * @param comments the comment lines directly above, without {@code #}
 * @param startLine first line, counted from 1
 * @param endLine last line, heredocs included
 */
public record Statement(
    String keyword,
    List<String> flags,
    Arguments arguments,
    String text,
    List<Heredoc> heredocs,
    List<String> comments,
    int startLine,
    int endLine) {
  public Statement {
    flags = List.copyOf(flags);
    heredocs = List.copyOf(heredocs);
    comments = List.copyOf(comments);
  }

  /** One range a line, as clients mark them. */
  public List<SourceRange> ranges() {
    return lines(startLine, endLine);
  }

  /** The same statement as if it stood at other lines. */
  public Statement movedTo(int start, int end) {
    return new Statement(keyword, flags, arguments, text, heredocs, comments, start, end);
  }

  Statement withHeredocs(List<Heredoc> documents, int end) {
    return new Statement(keyword, flags, arguments, text, documents, comments, startLine, end);
  }

  static List<SourceRange> lines(int start, int end) {
    return IntStream.rangeClosed(start, Math.max(start, end))
        .mapToObj(line -> SourceRange.lines(line, line))
        .toList();
  }
}
