package dev.kiln.dockerfile.shell;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.model.BuildException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * Random words expand as a real shell expands them on the right of an assignment, where it splits
 * nothing. Left out is what Dockerfiles mean otherwise on purpose: command substitution, positional
 * parameters, bracket patterns, quotes inside a substitution that itself stands in quotes, and
 * {@code ${name?}} inside an operand that is not used: a Dockerfile expands that all the same.
 */
class ShellPropertyTest {
  private static final long SEED = Long.getLong("fuzz.seed", System.nanoTime());
  private static final int WORDS = 1_500;
  private static final int DEEPEST = 2;
  private static final String FAILED = "(failed)";
  private static final String END = "\u001e";
  private static final Map<String, String> VARIABLES = variables();
  private static final List<String> NAMES =
      List.of("v", "empty", "path", "blanks", "star", "none", "v", "path");
  private static final String LETTERS = "abclibx/.-_0";

  private static Map<String, String> variables() {
    var all = new LinkedHashMap<String, String>();
    all.put("v", "abcab");
    all.put("empty", "");
    all.put("path", "/usr/lib/lib.tar.gz");
    all.put("blanks", "two  words");
    all.put("star", "a*b?c");
    return all;
  }

  /** Makes words; those for {@code /bin/sh} have only what POSIX knows. */
  private record Generator(Random random, boolean replacements) {
    String word() {
      var out = new StringBuilder();
      for (int parts = 1 + random.nextInt(4); parts > 0; parts--) {
        switch (random.nextInt(6)) {
          case 0 -> out.append(letters());
          case 1 -> out.append('\'').append(quotable()).append('\'');
          case 2 -> out.append('"').append(inDoubleQuotes()).append('"');
          case 3 -> out.append('\\').append("$\"'\\ *ab".charAt(random.nextInt(8)));
          default -> out.append(substitution(DEEPEST, true));
        }
      }
      return out.toString();
    }

    private String letters() {
      var out = new StringBuilder();
      for (int i = random.nextInt(4); i >= 0; i--) {
        out.append(LETTERS.charAt(random.nextInt(LETTERS.length())));
      }
      return out.toString();
    }

    private String quotable() {
      return random.nextInt(3) == 0 ? letters() + " $v \\ * " + letters() : letters();
    }

    private String inDoubleQuotes() {
      var out = new StringBuilder();
      for (int parts = random.nextInt(4); parts > 0; parts--) {
        switch (random.nextInt(4)) {
          case 0 -> out.append(letters()).append(" '");
          case 1 -> out.append('\\').append("$\"\\a".charAt(random.nextInt(4)));
          default -> out.append(substitution(DEEPEST, false));
        }
      }
      return out.toString();
    }

    /** A variable in one of its forms; {@code depth} bounds how deep others stand inside. */
    private String substitution(int depth, boolean quotes) {
      String name = NAMES.get(random.nextInt(NAMES.size()));
      String colon = random.nextBoolean() ? ":" : "";
      return switch (random.nextInt(replacements ? 11 : 9)) {
        case 0 -> "${" + name + "}";
        case 1 -> "$" + name + (quotes ? "''" : "/");
        case 2, 3 -> "${" + name + colon + "-" + operand(depth, quotes) + "}";
        case 4 -> "${" + name + colon + "+" + operand(depth, quotes) + "}";
        case 5 -> "${" + name + (depth < DEEPEST ? "" : colon + "?" + letters()) + "}";
        case 6 -> "${" + name + "#" + pattern() + "}";
        case 7 -> "${" + name + "##" + pattern() + "}";
        case 8 -> "${" + name + (random.nextBoolean() ? "%" : "%%") + pattern() + "}";
        case 9 -> "${" + name + "/" + replaced() + "/" + replacement() + "}";
        default -> "${" + name + "//" + replaced() + "/" + replacement() + "}";
      };
    }

    private String operand(int depth, boolean quotes) {
      var out = new StringBuilder(letters());
      if (depth > 0 && random.nextBoolean()) {
        out.append(substitution(depth - 1, false));
      }
      if (quotes && random.nextInt(3) == 0) {
        out.append("\"q ").append(letters()).append('"');
      }
      return out.toString();
    }

    private String pattern() {
      var out = new StringBuilder();
      for (int i = 1 + random.nextInt(3); i > 0; i--) {
        out.append(
            switch (random.nextInt(5)) {
              case 0 -> "*";
              case 1 -> "?";
              case 2 -> "\\*";
              default -> String.valueOf("abc/.li".charAt(random.nextInt(7)));
            });
      }
      return out.toString();
    }

    /** A pattern that matches something: shells differ about empty matches. */
    private String replaced() {
      return switch (random.nextInt(4)) {
        case 0 -> "a";
        case 1 -> "?b";
        case 2 -> "lib";
        default -> "a*b";
      };
    }

    private String replacement() {
      return List.of("", "X", "YY", "z.").get(random.nextInt(4));
    }
  }

  private static List<String> shell() {
    Path busybox = Path.of("/bin/busybox");
    return Files.isExecutable(busybox) ? List.of(busybox.toString(), "sh") : List.of("/bin/sh");
  }

  @Test
  void wordsExpandAsInAShell() throws Exception {
    List<String> shell = shell();
    var generator = new Generator(new Random(SEED), shell.size() == 2);
    var words = new ArrayList<String>();
    while (words.size() < WORDS) {
      words.add(generator.word());
    }
    List<String> expected = expandedBy(shell, words);
    ShellLexer lexer = ShellLexer.of('\\');
    Environment environment = Environment.EMPTY.withAll(VARIABLES);
    for (int i = 0; i < words.size(); i++) {
      String word = words.get(i);
      String actual;
      try {
        actual = lexer.text(word, environment);
      } catch (BuildException e) {
        actual = FAILED;
      }
      assertThat(actual).as("seed %s, word %s", SEED, word).isEqualTo(expected.get(i));
    }
  }

  private static List<String> expandedBy(List<String> shell, List<String> words) throws Exception {
    var script = new StringBuilder();
    VARIABLES.forEach((name, value) -> script.append(name + "='" + value + "'\n"));
    for (String word : words) {
      script.append("(x=" + word + "; printf %s \"$x\") 2>/dev/null || printf '" + FAILED + "'\n");
      script.append("printf '\\036'\n");
    }
    Path file = Files.createTempFile("words", ".sh");
    try {
      Files.writeString(file, script);
      var command = new ArrayList<>(shell);
      command.add(file.toString());
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      List<String> expanded = List.of(output.split(END, -1));
      assertThat(expanded).as("seed %s: %s", SEED, output).hasSize(words.size() + 1);
      return expanded;
    } finally {
      Files.delete(file);
    }
  }
}
