package dev.kiln.dockerfile.context;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.dockerjava.core.GoLangFileMatch;
import dev.kiln.model.BuildException;
import dev.kiln.model.PatternMatcher;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.StringJoiner;
import org.junit.jupiter.api.Test;

/** Ignore files mean what they mean to two other implementations. */
class IgnorePropertyTest {
  private static final long SEED = Long.getLong("fuzz.seed", System.nanoTime());
  private static final List<String> SEGMENTS =
      List.of("a", "b", "ab", "*", "?", "a*", "*b", "[ab]", "[^a]", "**", "a?", "[a-b]b", "\\*");
  private static final List<String> NAMES = List.of("a", "b", "ab", "ba", "*", "x", "a.b");

  /**
   * Random files and paths with the answers of moby/patternmatcher v0.6.0, which BuildKit v0.22
   * uses: one JSON object a line.
   */
  @Test
  void filesMeanWhatTheyMeanToMoby() throws IOException {
    var json = new ObjectMapper();
    for (String line : Files.readAllLines(Path.of("src/test/resources/ignore/moby.jsonl"))) {
      JsonNode example = json.readTree(line);
      String file = example.path("file").asText();
      List<String> patterns = IgnoreFile.patterns(file.getBytes(StandardCharsets.UTF_8));
      assertThat(patterns).as(file).isEqualTo(texts(example.path("patterns")));
      PatternMatcher matcher;
      try {
        matcher = PatternMatcher.of(patterns);
      } catch (BuildException e) {
        assertThat(example.has("refused")).as(file + ": " + e.getMessage()).isTrue();
        continue;
      }
      assertThat(example.has("refused")).as(file).isFalse();
      for (String path : texts(example.path("excluded"))) {
        assertThat(matcher.matches(path)).as("%s excludes %s", file, path).isTrue();
      }
      for (String path : texts(example.path("kept"))) {
        assertThat(matcher.matches(path)).as("%s keeps %s", file, path).isFalse();
      }
    }
  }

  private static List<String> texts(JsonNode array) {
    var texts = new ArrayList<String>();
    array.forEach(item -> texts.add(item.asText()));
    return texts;
  }

  @Test
  void listsMatchAsInDockerJava() {
    var random = new Random(SEED);
    for (int i = 0; i < 5_000; i++) {
      var patterns = new ArrayList<String>();
      for (int k = 1 + random.nextInt(4); k > 0; k--) {
        patterns.add((random.nextInt(3) == 0 ? "!" : "") + joined(random, SEGMENTS));
      }
      String path = joined(random, NAMES);
      assertThat(PatternMatcher.of(patterns).matches(path))
          .as("seed %s: %s on %s", SEED, patterns, path)
          .isEqualTo(matches(patterns, path));
    }
  }

  private static String joined(Random random, List<String> parts) {
    var joined = new StringJoiner("/");
    for (int k = 1 + random.nextInt(3); k > 0; k--) {
      joined.add(parts.get(random.nextInt(parts.size())));
    }
    return joined.toString();
  }

  /** The last pattern that matches decides; docker-java matches one pattern at a time. */
  private static boolean matches(List<String> patterns, String path) {
    boolean matched = false;
    for (String pattern : patterns) {
      boolean exclusion = pattern.startsWith("!");
      String text = exclusion ? pattern.substring(1) : pattern;
      if (forms(text).stream().anyMatch(form -> GoLangFileMatch.match(form, path))) {
        matched = !exclusion;
      }
    }
    return matched;
  }

  /** To docker-java {@code **} is one folder at least; Docker's documentation says any number. */
  private static Set<String> forms(String pattern) {
    var forms = new LinkedHashSet<String>();
    forms.add(pattern);
    for (int at = pattern.indexOf("**/"); at >= 0; at = pattern.indexOf("**/", at + 1)) {
      forms.addAll(forms(pattern.substring(0, at) + pattern.substring(at + "**/".length())));
    }
    return forms;
  }
}
