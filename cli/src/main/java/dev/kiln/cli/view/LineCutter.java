package dev.kiln.cli.view;

import com.google.protobuf.ByteString;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/**
 * Cuts what a step writes to one of its streams into lines, as a terminal would leave them: of what
 * carriage returns overwrite, the last that is not blank stays. Bytes that are not UTF-8 become
 * replacement characters. Holds at most two lines of {@link #MAX_BYTES}; a longer line goes on as
 * the next one. One thread.
 */
final class LineCutter {
  static final int MAX_BYTES = 16 << 10;

  private static final int LONGEST_CHARACTER = 4;
  private final ByteArrayOutputStream line = new ByteArrayOutputStream();
  private String overwritten = "";

  /** Tells {@code lines} each line that ends in {@code bytes}. */
  void take(ByteString bytes, Consumer<String> lines) {
    for (int i = 0; i < bytes.size(); i++) {
      byte b = bytes.byteAt(i);
      switch (b) {
        case '\n' -> emit(lines);
        case '\r' -> {
          overwritten = text();
          line.reset();
        }
        default -> {
          boolean within = (b & 0xc0) == 0x80 && line.size() < MAX_BYTES + LONGEST_CHARACTER;
          if (line.size() >= MAX_BYTES && !within) {
            emit(lines);
          }
          line.write(b);
        }
      }
    }
  }

  /** The stream has ended: what has no newline is a line too. */
  void end(Consumer<String> lines) {
    if (!text().isEmpty()) {
      emit(lines);
    }
  }

  /** What the line shows so far; empty where nothing is unfinished. */
  String text() {
    String last = line.toString(StandardCharsets.UTF_8);
    return TerminalText.line(last).isBlank() ? overwritten : last;
  }

  private void emit(Consumer<String> lines) {
    lines.accept(text());
    line.reset();
    overwritten = "";
  }
}
