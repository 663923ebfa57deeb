package dev.kiln.dockerfile.shell;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShellLexerTest {
  private static final Environment ENV =
      Environment.EMPTY.withEntries(List.of("v=abcab", "e=", "p=/usr/lib.so.1", "s=one  two"));
  private static final ShellLexer LEXER = ShellLexer.of('\\');

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '~',
      delimiter = '|',
      value = {
        "plain|plain",
        "$v|abcab",
        "x${v}y|xabcaby",
        "$vx.|.",
        "${u}|~~",
        "$|$",
        "a$|a$",
        "$1x|x",
        "${v:-w}|abcab",
        "${u:-w}|w",
        "${e:-w}|w",
        "${e-w}|~~",
        "${u-w}|w",
        "${v:+w}|w",
        "${e:+w}|~~",
        "${e+w}|w",
        "${u:-${v}x}|abcabx",
        "${u:-a b}|a b",
        "${v#a}|bcab",
        "${v#*b}|cab",
        "${v##*b}|~~",
        "${v%b}|abca",
        "${v%b*}|abca",
        "${v%%b*}|a",
        "${v#?}|bcab",
        "${p##*/}|lib.so.1",
        "${p%.*}|/usr/lib.so",
        "${v/b/X}|aXcab",
        "${v//b/X}|aXcaX",
        "${p//\\//-}|-usr-lib.so.1",
        "${p//./_}|/usr/lib_so_1",
        "'$v'|$v",
        "\"$v\"|abcab",
        "\\$v|$v",
        "\"\\$v \\x\"|$v \\x",
        "a\\ b|a b",
        "'a\"b'|a\"b",
        "a\"b c\"d|ab cd",
      })
  void expands(String word, String expected) {
    assertThat(LEXER.text(word, ENV)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '~',
      delimiter = '|',
      value = {
        "${|missing '}'",
        "${v|unsupported modifier",
        "${v:-|missing '}'",
        "${}|bad substitution",
        "${:x}|bad substitution",
        "${v:#x}|unsupported modifier (:#)",
        "${v!}|unsupported modifier (!)",
        "'a|single-quote",
        "\"a|double-quote",
        "${u:?say why}|u: say why",
        "${u?}|u: is not allowed to be unset",
        "${e:?}|e: is not allowed to be empty",
        "${v/a|missing '/'",
        "${v#\\x}|invalid escape",
      })
  void refuses(String word, String message) {
    assertThatThrownBy(() -> LEXER.expand(word, ENV)).hasMessageContaining(message);
  }

  @Test
  void unquotedValuesSplitIntoWords() {
    assertThat(LEXER.words("a $s \"$s\" 'x y'", ENV))
        .containsExactly("a", "one", "two", "one  two", "x y");
  }

  @Test
  void aDefaultInsideAWordKeepsWhatStandsBeforeIt() { // BuildKit loses "80"
    assertThat(LEXER.words("80${u:-81}", ENV)).containsExactly("8081");
  }

  @Test
  void usedVariablesAreReported() {
    Expansion expansion = LEXER.expand("$v ${u:-$w} $e", ENV);
    assertThat(expansion.matched()).containsExactly("v", "e");
    assertThat(expansion.unmatched()).containsExactly("w", "u");
  }

  @Test
  void rawLexersKeepWhatTheyAreToldTo() {
    assertThat(LEXER.keepingQuotes().keepingUnset().text("'a' \"$v\" $u ${u:-x}", ENV))
        .isEqualTo("'a' \"abcab\" $u ${u:-x}");
    assertThat(LEXER.keepingEscapes().text("a\\ b", ENV)).isEqualTo("a\\ b");
    assertThat(LEXER.inHeredoc().text("'$v' \"", ENV)).isEqualTo("'abcab' \"");
  }

  @Test
  void theEscapeCharacterCanBeABacktick() {
    assertThat(ShellLexer.of('`').text("C:\\x `$v", ENV)).isEqualTo("C:\\x $v");
  }

  @Test
  void patternsTakeLinearTime() {
    Environment env = Environment.EMPTY.withEntries(List.of("a=" + "a".repeat(20_000)));
    long start = System.nanoTime();
    LEXER.text("${a%%*a*a*a*a*a*a*a*b}", env);
    assertThat(System.nanoTime() - start).isLessThan(5_000_000_000L);
  }
}
