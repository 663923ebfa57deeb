package dev.kiln.exec;

import java.util.ArrayList;
import java.util.List;

/**
 * What to run in a container. Immutable. The environment may hold secrets, so {@link #toString}
 * leaves it out.
 *
 * @param env {@code NAME=value} entries in order
 * @param cwd directory, made where it is missing; empty means the main process's one, or {@code /}
 * @param user name or id, with an optional {@code :group}; empty means the main process's one, or
 *     root
 * @param terminal whether the process gets a terminal instead of pipes
 */
public record ProcessSpec(
    List<String> args, List<String> env, String cwd, String user, boolean terminal) {
  public ProcessSpec {
    if (args.isEmpty()) {
      throw new IllegalArgumentException("a process needs at least one argument");
    }
    args = List.copyOf(args);
    env = List.copyOf(env);
  }

  /** This with more variables, {@code NAME=value}, each replacing what was there. */
  ProcessSpec with(List<String> variables) {
    var all = new ArrayList<>(env);
    for (String variable : variables) {
      String name = variable.substring(0, variable.indexOf('=') + 1);
      all.removeIf(other -> other.startsWith(name));
      all.add(variable);
    }
    return new ProcessSpec(args, all, cwd, user, terminal);
  }

  @Override
  public String toString() {
    return "ProcessSpec[args=" + args + ", cwd=" + cwd + ", user=" + user + "]";
  }
}
