package dev.kiln.ops.file;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.ArrayList;
import java.util.List;

/**
 * A change of permissions as {@code chmod} takes it: octal ({@code 0755}) or symbolic ({@code
 * u=rwX,go-w}). Immutable. Details are those of BSD's {@code setmode(3)}, which BuildKit v0.22
 * follows (tonistiigi/dchapes-mode): among them, {@code X} looks at the mode before the change, and
 * a later {@code =} within one clause clears what an earlier part of it has set.
 */
public final class ModeEdit {
  private static final int SUID = 04000;
  private static final int SGID = 02000;
  private static final int STICKY = 01000;
  private static final int EXECUTE = 0111;

  /** The reference has no bound; each character can be a step that every file is edited by. */
  private static final int MOST_CHARACTERS = 1_000;

  private static final int ALL = SUID | SGID | 0777;

  /** One step; {@code was} is the mode before the first. */
  @FunctionalInterface
  private interface Step {
    int apply(int mode, int was, boolean directory);
  }

  private final List<Step> steps;

  private ModeEdit(List<Step> steps) {
    this.steps = List.copyOf(steps);
  }

  /**
   * @throws BuildException {@code UNKNOWN}, "invalid syntax", where {@code text} is no mode; {@code
   *     INVALID} where it has more than 1,000 characters
   */
  public static ModeEdit parse(String text) {
    if (text.length() > MOST_CHARACTERS) {
      throw new BuildException(
          Kind.INVALID,
          "invalid mode \""
              + text.substring(0, 20)
              + "…\": it has more than "
              + MOST_CHARACTERS
              + " characters");
    }
    if (!text.isEmpty() && Character.isDigit(text.charAt(0))) {
      return octal(text);
    }
    return new Parser(text).parse();
  }

  private static ModeEdit octal(String text) {
    int bits;
    try {
      bits = Integer.parseInt(text, 8);
    } catch (NumberFormatException e) {
      throw invalid(text);
    }
    if ((bits & ~(ALL | STICKY)) != 0) {
      throw invalid(text);
    }
    return new ModeEdit(List.of((mode, was, directory) -> bits));
  }

  /** The permissions (with set-id and sticky bits) that {@code permissions} become. */
  public int apply(int permissions, boolean directory) {
    int mode = permissions;
    for (Step step : steps) {
      mode = step.apply(mode, permissions, directory);
    }
    return mode;
  }

  private static BuildException invalid(String text) {
    return new BuildException(Kind.UNKNOWN, "invalid mode \"" + text + "\": invalid syntax");
  }

  private static final class Parser {
    private final String text;
    private final List<Step> steps = new ArrayList<>();
    private int at;

    Parser(String text) {
      this.text = text;
    }

    ModeEdit parse() {
      do {
        int who = who();
        do {
          operation(who);
        } while (at < text.length() && text.charAt(at) != ',');
      } while (at++ < text.length());
      return new ModeEdit(steps);
    }

    private char peek() {
      return at < text.length() ? text.charAt(at) : '\0';
    }

    /** The bits that the clause may touch; 0 where it names nobody, which is everybody. */
    private int who() {
      int who = 0;
      while (true) {
        switch (peek()) {
          case 'a' -> who |= ALL;
          case 'u' -> who |= SUID | 0700;
          case 'g' -> who |= SGID | 0070;
          case 'o' -> who |= 0007;
          case '\0' -> throw invalid(text);
          default -> {
            return who;
          }
        }
        at++;
      }
    }

    private void operation(int named) {
      char op = peek();
      if (op != '+' && op != '-' && op != '=') {
        throw invalid(text);
      }
      at++;
      int who = named;
      int bits = 0;
      int ifExecutable = 0;
      boolean assigned = false;
      boolean onlyOthers = named != 0 && (named & ~0007) == 0;
      while (true) {
        char c = peek();
        switch (c) {
          case 'r' -> bits |= 0444;
          case 'w' -> bits |= 0222;
          case 'x' -> bits |= EXECUTE;
          case 's' -> bits |= onlyOthers ? 0 : SUID | SGID;
          case 't' -> {
            if (!onlyOthers) {
              who |= STICKY;
              bits |= STICKY;
            }
          }
          case 'X' -> {
            if (op == '-') {
              bits |= EXECUTE;
            } else {
              ifExecutable = EXECUTE;
            }
          }
          case 'u', 'g', 'o' -> {
            if (bits != 0) {
              change(op, who, bits);
              bits = 0;
            }
            assigned |= op == '=';
            if (ifExecutable != 0) {
              grantIfExecutable(who);
              ifExecutable = 0;
            }
            copy(op, who, c == 'u' ? 6 : c == 'g' ? 3 : 0);
          }
          default -> {
            if (bits != 0 || op == '=' && !assigned) {
              change(op, who, bits);
            }
            if (ifExecutable != 0) {
              grantIfExecutable(who);
            }
            return;
          }
        }
        at++;
      }
    }

    private void change(char op, int who, int bits) {
      int touched = who == 0 ? bits : who & bits;
      if (op == '-') {
        steps.add((mode, was, directory) -> mode & ~touched);
        return;
      }
      int cleared = op != '=' ? 0 : who == 0 ? ALL : who;
      steps.add((mode, was, directory) -> mode & ~cleared | touched);
    }

    private void grantIfExecutable(int who) {
      int touched = who == 0 ? EXECUTE : who & EXECUTE;
      steps.add(
          (mode, was, directory) -> directory || (was & EXECUTE) != 0 ? mode | touched : mode);
    }

    /** Gives the named classes the permissions that another class has at that moment. */
    private void copy(char op, int who, int fromShift) {
      int classes =
          who == 0
              ? 0111
              : ((who & 0400) != 0 ? 0100 : 0)
                  | ((who & 0040) != 0 ? 0010 : 0)
                  | ((who & 0004) != 0 ? 0001 : 0);
      steps.add((mode, was, directory) -> {
        int spread = (mode >> fromShift & 7) * classes;
        return switch (op) {
          case '+' -> mode | spread;
          case '-' -> mode & ~spread;
          default -> mode & ~(7 * classes) | spread;
        };
      });
    }
  }
}
