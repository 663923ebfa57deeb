package dev.kiln.control.history;

import dev.kiln.tracing.Redaction;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A frontend's options, sorted into what provenance tells of them: the context and the file in it,
 * version control, and the rest; what belongs to the machine or to attestations is left out, and
 * credentials are masked. Immutable. Rules: BuildKit v0.22 {@code
 * solver/llbsolver/provenance/predicate.go}.
 *
 * @param complete whether none of the build's parameters was left out
 */
record Arguments(
    String context,
    String filename,
    SortedMap<String, String> vcs,
    SortedMap<String, String> shown,
    boolean complete) {
  private static final List<String> OF_THE_MACHINE =
      List.of("cgroup-parent", "image-resolve-mode", "platform", "cache-imports");
  private static final String VCS = "vcs:";

  Arguments(Provenance.Request request, boolean max) {
    this(sort(request, max));
  }

  private Arguments(Arguments other) {
    this(other.context, other.filename, other.vcs, other.shown, other.complete);
  }

  private static Arguments sort(Provenance.Request request, boolean max) {
    SortedMap<String, String> opts = request.opts();
    String named = opts.getOrDefault("contextkey", "");
    String contextKey = named.isEmpty() ? "context" : named;
    SortedMap<String, String> vcs = new TreeMap<>();
    SortedMap<String, String> shown = new TreeMap<>();
    boolean complete = !request.frontend().isEmpty();
    String context = "";
    String filename = "";
    for (var opt : opts.entrySet()) {
      String key = opt.getKey();
      String value = opt.getValue();
      if (OF_THE_MACHINE.contains(key) || key.startsWith("attest:")) {
        continue;
      }
      if (key.equals(contextKey) && !value.isEmpty()) {
        context = value;
      } else if (key.equals("filename") && !value.isEmpty()) {
        filename = value;
      } else if (key.startsWith(VCS)) {
        if (!value.isEmpty()) {
          String shownValue = key.equals("vcs:source") ? Redaction.of(value) : value;
          vcs.put(key.substring(VCS.length()), shownValue);
        }
      } else if (!max && (key.startsWith("build-arg:") || key.startsWith("label:"))) {
        complete = false;
      } else {
        shown.put(key, key.startsWith("context:") ? Redaction.of(value) : value);
      }
    }
    return new Arguments(context, filename, vcs, shown, complete);
  }
}
