package dev.kiln.dockerfile.syntax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.SourceRange;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DockerfileParserTest {
  private static Statement only(String text) {
    List<Statement> statements = DockerfileParser.parse(text).statements();
    assertThat(statements).hasSize(1);
    return statements.getFirst();
  }

  private static List<Integer> failingLines(String text) {
    try {
      DockerfileParser.parse(text);
      throw new AssertionError("parsed: " + text);
    } catch (LocatedException e) {
      return e.places().getFirst().stream().map(SourceRange::startLine).toList();
    }
  }

  @Test
  void continuedLinesAreOneInstructionWithAllItsLines() {
    Statement run = only("\n# c\nRUN a \\\n  b \\  \n# between\n c\n");
    assertThat(run.text()).isEqualTo("RUN a   b  c");
    assertThat(run.startLine()).isEqualTo(3);
    assertThat(run.endLine()).isEqualTo(6);
  }

  @Test
  void anEscapedEscapeDoesNotContinue() {
    assertThat(DockerfileParser.parse("RUN a \\\\\nRUN b\n").statements()).hasSize(2);
  }

  @Test
  void emptyLinesInsideAnInstructionAreNoted() {
    DockerfileText text = DockerfileParser.parse("RUN a \\\n\n b\n");
    assertThat(text.statements()).hasSize(1);
    assertThat(text.emptyContinuations()).containsExactly(SourceRange.lines(3, 3));
  }

  @Test
  void theEscapeDirectiveChangesContinuation() {
    DockerfileText text = DockerfileParser.parse("# escape=`\nRUN a `\n b\\\nRUN c\n");
    assertThat(text.escape()).isEqualTo('`');
    assertThat(text.statements()).hasSize(2);
  }

  @Test
  void directivesEndAtTheFirstOtherLine() {
    assertThat(DockerfileParser.parse("# hello\n# escape=`\nRUN a\n").escape()).isEqualTo('\\');
  }

  @Test
  void mistakesInDirectivesNameTheirOwnLine() { // BuildKit names the line above
    assertThat(failingLines("# escape=x\nRUN a\n")).containsExactly(1);
    assertThat(failingLines("# escape=`\n# escape=`\nRUN a\n")).containsExactly(2);
  }

  @Test
  void heredocsBelongToTheirInstruction() {
    Statement copy = only("COPY <<ONE <<-\"TWO\" /dst\n a\nONE\n\tb\n\tTWO\n");
    assertThat(copy.heredocs())
        .containsExactly(
            new Heredoc("ONE", true, false, " a\n"), new Heredoc("TWO", false, true, "\tb\n"));
    assertThat(copy.heredocs().get(1).text()).isEqualTo("b\n");
    assertThat(copy.endLine()).isEqualTo(5);
  }

  @Test
  void onlyRunCopyAndAddTakeHeredocs() {
    assertThat(DockerfileParser.parse("ENV A=<<EOF\nRUN x\n").statements()).hasSize(2);
    assertThat(DockerfileParser.parse("RUN [\"<<EOF\"]\nRUN x\n").statements()).hasSize(2);
    assertThat(only("ONBUILD RUN <<EOF\nx\nEOF\n").heredocs()).hasSize(1);
  }

  @Test
  void anUnterminatedHeredocFailsWithAllItsLines() {
    assertThat(failingLines("RUN x\nRUN <<EOF\na\nb\n")).containsExactly(2, 3, 4);
  }

  @Test
  void flagsAreTakenOffWithTheirQuotes() {
    Statement copy = only("COPY --a --b='c d' --e=\\\"f -- --g h\n");
    assertThat(copy.flags()).containsExactly("--a", "--b=c d", "--e=\"f");
    assertThat(copy.arguments()).isEqualTo(new Arguments.Words(List.of("--g", "h")));
  }

  @Test
  void execFormIsAJsonArrayOfTextsAndNothingElse() {
    assertThat(only("RUN [\"a\", \"b\\u0041\"]").arguments())
        .isEqualTo(new Arguments.Exec(List.of("a", "bA")));
    assertThat(only("RUN ['a']").arguments()).isEqualTo(new Arguments.Words(List.of("['a']")));
    assertThatThrownBy(() -> DockerfileParser.parse("RUN [1]"))
        .hasMessageContaining("strings only");
  }

  @Test
  void commentsDirectlyAboveAreKept() {
    List<Statement> statements =
        DockerfileParser.parse("# syntax=x\n# one\n#\n# two\nFROM a\nRUN b\n").statements();
    assertThat(statements.get(0).comments()).containsExactly("two");
    assertThat(statements.get(1).comments()).isEmpty();
  }

  @Test
  void aFileWithoutInstructionsFails() {
    assertThatThrownBy(() -> DockerfileParser.parse("# only\n"))
        .hasMessage("file with no instructions");
  }

  @Test
  void aLineMayBeLongerThan64Kibibytes() {
    assertThat(only("RUN " + "x".repeat(200_000)).text()).hasSize(200_004);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '@',
      value = {
        "# syntax=docker/dockerfile:1 x@docker/dockerfile:1",
        "#!/usr/bin/env x\\n# syntax = a/b@a/b",
        "// syntax=c/d@c/d",
        "{\"syntax\": \"e/f\", \"g\": 1}@e/f",
      })
  void theSyntaxIsFoundInAnyLanguage(String text, String reference) {
    assertThat(Directives.syntax(text.replace("\\n", "\n")).map(Directives.Found::reference))
        .contains(reference);
  }

  @Test
  void noSyntaxIsNone() {
    assertThat(Directives.syntax("FROM a\n# syntax=b\n")).isEqualTo(Optional.empty());
    assertThat(Directives.syntax("{\"syntax\": 1}")).isEqualTo(Optional.empty());
  }
}
