package dev.kiln.dockerfile.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TextFormsTest {
  @ParameterizedTest
  @CsvSource({
    "0,0s",
    "1s,1s",
    "90s,1m30s",
    "1.5s,1.5s",
    "1h,1h0m0s",
    "2h3m4.5s,2h3m4.5s",
    "1ms,1ms",
    "1500us,1.5ms",
    "3ns,3ns",
    "-1s,-1s",
    ".5m,30s",
    "1.s,1s"
  })
  void durationsAreReadAndWrittenAsGoDoes(String text, String shown) {
    assertThat(GoText.duration(GoText.parseDuration(text))).isEqualTo(shown);
  }

  @ParameterizedTest
  @CsvSource({"5,missing unit", "x,invalid duration", "5x,unknown unit", "-,invalid duration"})
  void otherDurationsAreRefused(String text, String why) {
    assertThatThrownBy(() -> GoText.parseDuration(text)).hasMessageContaining(why);
  }

  @Test
  void quotingIsGos() {
    assertThat(GoText.quote("a\"b\\\n\t\u0001\u00e9\u2028\ud83d\ude00"))
        .isEqualTo("\"a\\\"b\\\\\\n\\t\\x01\u00e9\\u2028\ud83d\ude00\"");
    assertThat(GoText.quoteRune(3)).isEqualTo("'\\x03'");
    assertThat(GoText.quoteList(List.of("a", "b c"))).isEqualTo("[\"a\" \"b c\"]");
    assertThat(GoText.duration(Duration.ofNanos(1500))).isEqualTo("1.5\u00b5s");
  }

  @Test
  void csvKeepsCommasInQuotes() {
    assertThat(CsvLine.fields("a,\"b,\"\"c\",,d")).containsExactly("a", "b,\"c", "", "d");
    assertThatThrownBy(() -> CsvLine.fields("a\"b")).hasMessageContaining("column 2: bare");
    assertThatThrownBy(() -> CsvLine.fields("\"a")).hasMessageContaining("missing");
  }

  @Test
  void theNearestWordIsSuggested() {
    List<String> words = List.of("chmod", "chown", "from", "link");
    assertThat(Suggestion.nearest("chwon", words, true)).contains("chown");
    assertThat(Suggestion.nearest("lnk", words, true)).contains("link");
    assertThat(Suggestion.nearest("from", words, true)).isEmpty();
    assertThat(Suggestion.nearest("nothing", words, true)).isEmpty();
    assertThat(Suggestion.nearest("FORM", words, false)).contains("FROM");
  }

  @ParameterizedTest
  @CsvSource({"a/../b,b", "/..,/", "./,.", "a//b/,a/b", "../x,../x", "/a/./b/..,/a", "'',."})
  void pathsAreCleaned(String path, String clean) {
    assertThat(SlashPath.clean(path)).isEqualTo(clean);
  }
}
