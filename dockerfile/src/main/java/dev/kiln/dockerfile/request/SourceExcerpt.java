package dev.kiln.dockerfile.request;

import dev.kiln.grpc.pb.SourceInfo;
import dev.kiln.model.SourceRange;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;

/** The lines of a source around a place, the place marked, as clients print them. Pure. */
final class SourceExcerpt {
  private static final String RULE = "--------------------\n";

  private SourceExcerpt() {}

  /** Empty if the place lies outside the source. */
  static String of(SourceInfo source, List<SourceRange> place) {
    String[] lines = source.getData().toString(StandardCharsets.UTF_8).split("\n", -1);
    int first = place.stream().mapToInt(SourceRange::startLine).min().orElse(0);
    int last = place.stream().mapToInt(SourceExcerpt::end).max().orElse(0);
    if (first < 1 || first > lines.length) {
      return "";
    }
    last = Math.min(last, lines.length);
    // About two lines on each side of one line, about one of several.
    int room = first == last ? 4 : 2;
    int from = first;
    int to = last;
    while (room > 0) {
      if (from > 1) {
        from--;
        room--;
      }
      if (to < lines.length) {
        to++;
        room--;
      }
      room--;
    }
    var out = new StringBuilder(source.getFilename()).append(':').append(first).append('\n');
    out.append(RULE);
    for (int line = from; line <= to; line++) {
      int number = line;
      boolean marked = place.stream().anyMatch(r -> r.startLine() <= number && number <= end(r));
      out.append(
          String.format(
              Locale.ROOT, " %3d | %s %s\n", line, marked ? ">>>" : "   ", lines[line - 1]));
    }
    return out.append(RULE).toString();
  }

  private static int end(SourceRange range) {
    return Math.max(range.startLine(), range.endLine());
  }
}
