package dev.kiln.dockerfile.context;

import dev.kiln.dockerfile.text.GoText;
import dev.kiln.dockerfile.text.SlashPath;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Reads {@code .dockerignore} (features F-120; moby/patternmatcher v0.6.0 {@code ignorefile}). */
final class IgnoreFile {
  private IgnoreFile() {}

  /** The patterns in order, cleaned, relative to the context; {@code !} stays in front. */
  static List<String> patterns(byte[] content) {
    String text = new String(content, StandardCharsets.UTF_8);
    if (text.startsWith("\ufeff")) {
      text = text.substring(1);
    }
    var patterns = new ArrayList<String>();
    for (String line : text.split("\r?\n", -1)) {
      if (line.startsWith("#")) {
        continue;
      }
      String pattern = GoText.trim(line);
      if (pattern.isEmpty()) {
        continue;
      }
      boolean invert = pattern.startsWith("!");
      if (invert) {
        pattern = GoText.trim(pattern.substring(1));
      }
      if (!pattern.isEmpty()) {
        pattern = SlashPath.clean(pattern);
        if (pattern.length() > 1 && pattern.startsWith("/")) {
          pattern = pattern.substring(1);
        }
      }
      patterns.add(invert ? "!" + pattern : pattern);
    }
    return patterns;
  }
}
