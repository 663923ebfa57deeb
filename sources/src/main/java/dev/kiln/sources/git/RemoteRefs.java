package dev.kiln.sources.git;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Which commit a ref means, read from {@code git ls-remote}. Pure. */
final class RemoteRefs {
  private static final Pattern BRANCH = Pattern.compile("refs/heads/(\\S+)");

  private RemoteRefs() {}

  /** The commit, and the full ref that it was found by. */
  record Resolved(String commit, String ref) {}

  /**
   * A ref as it stands wins, then a branch (as checkout prefers it), then a tag, whose commit wins
   * over the tag object.
   */
  static Resolved resolve(String ref, String output) {
    Map<String, String> shas = new HashMap<>();
    output
        .lines()
        .forEach(line -> {
          int tab = line.indexOf('\t');
          if (tab > 0) {
            shas.put(line.substring(tab + 1), line.substring(0, tab));
          }
        });
    String exact = "refs/" + without(ref, "refs/");
    String head = "refs/heads/" + without(ref, "refs/heads/");
    String tag = "refs/tags/" + without(ref, "refs/tags/");
    Optional<String> peeled =
        Optional.ofNullable(shas.get(tag + "^{}")).or(() -> Optional.ofNullable(shas.get(tag)));
    boolean exactIsOther = !exact.equals(head) && !exact.equals(tag);
    Resolved found;
    if (exactIsOther && shas.containsKey(exact)) {
      found = new Resolved(shas.getOrDefault(exact, ""), exact);
    } else if (shas.containsKey(head)) {
      found = new Resolved(shas.getOrDefault(head, ""), head);
    } else if (peeled.isPresent()) {
      found = new Resolved(peeled.get(), tag);
    } else {
      throw new BuildException(
          Kind.UNKNOWN,
          "repository does not contain ref " + ref + ", output: \"" + output.strip() + "\"");
    }
    if (!GitUrl.isCommit(found.commit())) {
      throw new BuildException(Kind.UNKNOWN, "invalid commit sha \"" + found.commit() + "\"");
    }
    return found;
  }

  private static String without(String text, String prefix) {
    return text.startsWith(prefix) ? text.substring(prefix.length()) : text;
  }

  /** The branch that HEAD points at, from {@code ls-remote --symref}. */
  static Optional<String> defaultBranch(String output) {
    Matcher m = BRANCH.matcher(output);
    return m.find() ? Optional.of(m.group(1)) : Optional.empty();
  }
}
