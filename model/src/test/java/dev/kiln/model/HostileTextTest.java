package dev.kiln.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Texts made to be slow or deep are refused in words and at once. */
@Timeout(20)
class HostileTextTest {
  @ParameterizedTest
  @ValueSource(strings = {"a/", "a", "a-", "-", "@", ":", "a.", "/", "é"})
  void longReferencesAreRefusedInShortWords(String piece) {
    assertThatThrownBy(() -> ImageRef.parseNormalized(piece.repeat(60_000) + "a"))
        .isInstanceOf(BuildException.class)
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(300));
  }

  @Test
  void aPathOf256CharactersIsTooLong() {
    assertThat(ImageRef.parse("h.io/" + "a".repeat(255)).path()).hasSize(255);
    assertThatThrownBy(() -> ImageRef.parse("h.io/" + "a".repeat(256)))
        .hasMessageContaining("repository name must not be more than 255 characters");
    assertThatThrownBy(
            () -> new ImageRef("h.io", "a".repeat(256), Optional.empty(), Optional.empty()))
        .hasMessageContaining("repository name must not be more than 255 characters");
  }

  @Test
  void expressionsOfFiltersAreLinear() {
    FieldFilter filter = FieldFilter.parse("id~=" + "/^(a+)+$/");
    assertThat(filter.matches(_ -> Optional.of("a".repeat(50_000) + "!"))).isFalse();
  }

  @Test
  void deepPathsAreMatchedWithoutKeepingEachFolderAbove() {
    String deep = "a/".repeat(60_000) + "a";
    assertThatThrownBy(() -> PatternMatcher.of(List.of("*.log", "b/**")).matches(deep))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("more than 2048 folders");
    assertThat(PatternMatcher.of(List.of("a/a")).matches("a/".repeat(2_000) + "a")).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"v1/", "arm", "//", "-", "."})
  void longPlatformsAreRefused(String piece) {
    assertThatThrownBy(() -> Platform.parse(piece.repeat(60_000)))
        .isInstanceOf(BuildException.class);
  }
}
