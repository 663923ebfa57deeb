package dev.kiln.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Expected values were taken from moby/patternmatcher v0.6.0 and Go's path/filepath. */
class PatternMatcherTest {
  @ParameterizedTest
  @CsvSource({
    "**, any, true",
    "**, any/deep/file, true",
    "src, src/main/A.java, true",
    "src/*, src/main/A.java, true",
    "src/*.java, src/main/A.java, false",
    "src/**, src, false",
    "src/**, src/main, true",
    "src/**/*.java, src/A.java, true",
    "src/**/*.java, src/a/b/A.java, true",
    "src/**/*.java, test/A.java, false",
    "**/target, target, true",
    "**/target, a/target/x, true",
    "**/target, atarget, false",
    "**target, atarget, true",
    "**.log, a/b.log, true",
    "**.l?g, a/b.log, false",
    "a**z, a/b/cz, false",
    "a**z, a/b/z, true",
    "./a//b/, a/b/c, true",
    "a/../b, b, true",
    "[a-c]x, bx, true",
    "[^a-c]x, bx, false",
    "a.b, aXb, false",
    "a\\*, a*, true",
    "a\\*, ab, false",
    "?, ü, true",
  })
  void onePattern(String pattern, String path, boolean matches) {
    var matcher = PatternMatcher.of(List.of(pattern));
    assertThat(matcher.matches(path)).isEqualTo(matches);
    assertThat(walk(matcher, path)).isEqualTo(matches);
  }

  @Test
  void laterPatternsWinAndExclusionsReachIntoMatchedFolders() {
    var matcher = PatternMatcher.of(List.of("docs", "!docs/README.md", " ", "docs/README.md.bak"));
    assertThat(matcher.hasExclusions()).isTrue();
    assertThat(matcher.patterns()).hasSize(3);
    assertThat(walk(matcher, "docs/a/b")).isTrue();
    assertThat(walk(matcher, "docs/README.md")).isFalse();
    assertThat(walk(matcher, "docs/README.md.bak")).isTrue();
    var folderTakenBack = PatternMatcher.of(List.of("**", "!util/web"));
    assertThat(walk(folderTakenBack, "util/web/index")).isFalse();
    assertThat(walk(folderTakenBack, "util/cli")).isTrue();
  }

  @Test
  void malformedPatternsAreRefused() {
    for (String bad : List.of("[", "[]a]", "[a-]", "[-x]", "a\\", "[a", "!")) {
      assertThatThrownBy(() -> PatternMatcher.of(List.of(bad)))
          .isInstanceOfSatisfying(
              BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INVALID));
    }
  }

  @Test
  void manyStarsDoNotBacktrack() {
    String pattern = "a*".repeat(200) + "b";
    assertThat(PatternMatcher.of(List.of(pattern)).matches("a".repeat(5000))).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "'', .",
    "., .",
    "/, /",
    "//a/, /a",
    "a/./b, a/b",
    "a/../../b, ../b",
    "/../a, /a",
    "a/.., .",
  })
  void cleans(String path, String cleaned) {
    assertThat(FilePaths.clean(path)).isEqualTo(cleaned);
  }

  @Test
  void shellPatternsStopAtSlashes() {
    assertThat(FilePaths.matches("*.txt", "a.txt")).isTrue();
    assertThat(FilePaths.matches("*", "a/b")).isFalse();
    assertThat(FilePaths.matches("**/b", "x/y/b")).isFalse();
    assertThat(FilePaths.base("/a/b/")).isEqualTo("b");
    assertThat(FilePaths.parent("a/b")).isEqualTo("a");
    assertThat(FilePaths.parent("a")).isEqualTo(".");
  }

  /** As a walk does it: each folder's match is handed to what lies in it. */
  private static boolean walk(PatternMatcher matcher, String path) {
    var parents = FilePaths.parents(path);
    if (parents.isEmpty()) {
      return matcher.match(path).matched();
    }
    PatternMatcher.Match at = matcher.match(parents.getFirst());
    for (String folder : parents.subList(1, parents.size())) {
      at = matcher.match(folder, at);
    }
    return matcher.match(path, at).matched();
  }
}
