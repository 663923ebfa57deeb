package dev.kiln.dockerfile.convert;

import com.google.re2j.Pattern;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.Locale;
import java.util.Set;

/** The signals that Linux knows by name (moby/sys/signal). Pure. */
final class Signals {
  private static final Set<String> NAMES =
      Set.of(
          "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT",
          "KILL", "PIPE", "POLL", "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM",
          "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ",
          "RTMIN", "RTMAX");

  private Signals() {}

  /**
   * @throws BuildException {@code INVALID} for what is neither a number nor the name of a signal
   */
  static void check(String text) {
    boolean number = Pattern.matches("[+-]?[0-9]+", text) && !Pattern.matches("[+-]?0+", text);
    String name = text.toUpperCase(Locale.ROOT);
    name = name.startsWith("SIG") ? name.substring("SIG".length()) : name;
    boolean realTime =
        Pattern.matches("RTMIN\\+([1-9]|1[0-5])", name)
            || Pattern.matches("RTMAX-([1-9]|1[0-4])", name);
    if (!number && !NAMES.contains(name) && !realTime) {
      throw new BuildException(Kind.INVALID, "invalid signal: " + text);
    }
  }
}
