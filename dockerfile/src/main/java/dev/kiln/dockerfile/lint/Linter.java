package dev.kiln.dockerfile.lint;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.model.SourceRange;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Passes the warnings of one conversion on, and remembers which rules were hurt. One thread. */
public final class Linter {
  /** Told of each warning. */
  @FunctionalInterface
  public interface Sink {
    void warn(Warning warning);
  }

  /** One finding. {@code message} is the rule's text for this place. */
  public record Warning(Rule rule, String message, List<SourceRange> place) {
    public Warning {
      place = List.copyOf(place);
    }

    /** {@code Rule: message (line N)}, as progress shows it. */
    public String shown() {
      String text = rule.id() + ": " + message;
      return place.isEmpty() || place.getFirst().startLine() <= 0
          ? text
          : text + " (line " + place.getFirst().startLine() + ")";
    }
  }

  private final LintOptions options;
  private final Sink sink;
  private final Set<String> hurt = new LinkedHashSet<>();

  public Linter(LintOptions options, Sink sink) {
    this.options = options;
    this.sink = sink;
  }

  /** A linter that says nothing. */
  public static Linter silent() {
    return new Linter(new LintOptions(true, Set.of(), false, Set.of(), false), warning -> {});
  }

  public void report(Rule rule, String message, List<SourceRange> place) {
    if (options.runs(rule)) {
      hurt.add(rule.id());
      sink.warn(new Warning(rule, message, place));
    }
  }

  /**
   * @throws BuildException {@code INVALID}, if warnings are to fail the build and there were some
   */
  public void failIfAsked() {
    if (options.failOnWarning() && !hurt.isEmpty()) {
      throw new BuildException(
          Kind.INVALID, "lint violation found for rules: " + String.join(", ", hurt));
    }
  }
}
