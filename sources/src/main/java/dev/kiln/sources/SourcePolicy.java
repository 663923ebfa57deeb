package dev.kiln.sources;

import com.google.re2j.Matcher;
import com.google.re2j.PatternSyntaxException;
import dev.kiln.grpc.sourcepolicy.AttrConstraint;
import dev.kiln.grpc.sourcepolicy.Policy;
import dev.kiln.grpc.sourcepolicy.Rule;
import dev.kiln.grpc.sourcepolicy.Selector;
import dev.kiln.llb.SourceOp;
import dev.kiln.llb.SourceRewrite;
import dev.kiln.model.BuildException;
import dev.kiln.model.GivenExpression;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/**
 * Rules on what a build may take from outside, and on what it takes instead. Pure and immutable but
 * for a cache of compiled patterns; any thread.
 *
 * <p>In each policy the last matching allow or deny wins; a conversion starts the evaluation anew
 * with the converted source, at most twenty times. All policies must allow. Source: BuildKit v0.22
 * {@code sourcepolicy}, {@code docs/build-repro.md}.
 */
public final class SourcePolicy implements SourceRewrite {
  private static final int MAX_CONVERSIONS = 20;
  private final List<Policy> policies;
  private final ConcurrentMap<String, GivenExpression> patterns = new ConcurrentHashMap<>();

  private SourcePolicy(List<Policy> policies) {
    this.policies = List.copyOf(policies);
  }

  /** As {@link #of}; without policies nothing is looked at. */
  public static SourceRewrite rewrite(List<Policy> policies) {
    return policies.isEmpty() ? SourceRewrite.NONE : of(policies);
  }

  /**
   * @throws BuildException {@code INVALID} for a rule without a selector
   */
  public static SourcePolicy of(List<Policy> policies) {
    for (Policy policy : policies) {
      if (policy.getVersion() > 1) {
        throw new BuildException(
            Kind.UNSUPPORTED, "unsupported source policy version " + policy.getVersion());
      }
      for (Rule rule : policy.getRulesList()) {
        if (!rule.hasSelector()) {
          throw new BuildException(Kind.INVALID, "invalid nil selector in policy");
        }
      }
    }
    return new SourcePolicy(policies);
  }

  @Override
  public Optional<SourceOp> rewrite(SourceOp op, Optional<Platform> platform) {
    SourceOp at = op;
    for (int conversions = 0; conversions <= MAX_CONVERSIONS; conversions++) {
      Optional<SourceOp> next = convert(at);
      if (next.isEmpty()) {
        return conversions == 0 ? Optional.empty() : Optional.of(at);
      }
      at = next.get();
    }
    throw new BuildException(
        Kind.INVALID, "too many mutations on a single source: too many operations");
  }

  private Optional<SourceOp> convert(SourceOp op) {
    for (Policy policy : policies) {
      Optional<SourceOp> next = evaluate(policy, op);
      if (next.isPresent()) {
        return next;
      }
    }
    return Optional.empty();
  }

  private Optional<SourceOp> evaluate(Policy policy, SourceOp op) {
    boolean denied = false;
    for (Rule rule : policy.getRulesList()) {
      boolean matches;
      try {
        matches = matches(rule.getSelector(), op);
      } catch (BuildException e) {
        throw e.wrap("error matching source policy");
      }
      if (!matches) {
        continue;
      }
      switch (rule.getAction()) {
        case ALLOW -> denied = false;
        case DENY -> denied = true;
        case CONVERT -> {
          Optional<SourceOp> next;
          try {
            next = converted(rule, op);
          } catch (BuildException e) {
            throw e.wrap("error mutating source policy");
          }
          if (next.isPresent()) {
            return next;
          }
        }
        case UNRECOGNIZED ->
            throw new BuildException(
                Kind.INVALID,
                "source policy: rule "
                    + rule.getActionValue()
                    + " "
                    + rule.getSelector().getIdentifier()
                    + ": unknown type \""
                    + op.identifier()
                    + "\"");
      }
    }
    if (denied) {
      throw new BuildException(
          Kind.DENIED,
          "source \"" + op.identifier() + "\" denied by policy: source denied by policy");
    }
    return Optional.empty();
  }

  private boolean matches(Selector selector, SourceOp op) {
    for (AttrConstraint constraint : selector.getConstraintsList()) {
      String value = op.attr(constraint.getKey()).orElse("");
      boolean holds =
          switch (constraint.getCondition()) {
            case EQUAL -> value.equals(constraint.getValue());
            case NOTEQUAL -> !value.equals(constraint.getValue());
            case MATCHES -> regex(constraint.getValue()).matcher(value).find();
            case UNRECOGNIZED ->
                throw new BuildException(
                    Kind.INVALID, "unknown attr condition: " + constraint.getConditionValue());
          };
      if (!holds) {
        return false;
      }
    }
    if (selector.getIdentifier().equals(op.identifier())) {
      return true;
    }
    return switch (selector.getMatchType()) {
      case EXACT -> false;
      case REGEX -> regex(selector.getIdentifier()).matcher(op.identifier()).find();
      case WILDCARD -> wildcard(selector.getIdentifier()).matcher(op.identifier()).find();
      case UNRECOGNIZED ->
          throw new BuildException(
              Kind.INVALID, "unknown match type: " + selector.getMatchTypeValue());
    };
  }

  private GivenExpression regex(String text) {
    try {
      return patterns.computeIfAbsent("r" + text, _ -> GivenExpression.compile(text));
    } catch (PatternSyntaxException e) {
      throw new BuildException(
          Kind.INVALID, "invalid regex \"" + text + "\": " + e.getMessage(), e);
    }
  }

  private GivenExpression wildcard(String text) {
    return patterns.computeIfAbsent("w" + text, _ -> Wildcard.compile(text));
  }

  /** The op that the rule makes of {@code op}; empty where that is the same. */
  private Optional<SourceOp> converted(Rule rule, SourceOp op) {
    if (!rule.hasUpdates()) {
      throw new BuildException(Kind.INVALID, "missing destination for convert rule");
    }
    Selector selector = rule.getSelector();
    String wanted = rule.getUpdates().getIdentifier();
    String to =
        expanded(selector, op.identifier(), wanted.isEmpty() ? selector.getIdentifier() : wanted);
    var attrs = new TreeMap<>(op.attrs());
    for (Map.Entry<String, String> e : rule.getUpdates().getAttrsMap().entrySet()) {
      attrs.put(e.getKey(), e.getValue());
    }
    SourceOp next = new SourceOp(to.isEmpty() ? op.identifier() : to, attrs);
    return next.equals(op) ? Optional.empty() : Optional.of(next);
  }

  private String expanded(Selector selector, String identifier, String template) {
    return switch (selector.getMatchType()) {
      case EXACT -> selector.getIdentifier();
      case REGEX -> {
        Matcher m = regex(selector.getIdentifier()).matcher(identifier);
        var out = new StringBuilder();
        int end = 0;
        while (m.find()) {
          out.append(identifier, end, m.start()).append(Template.expand(template, m));
          end = m.end();
        }
        yield out.append(identifier.substring(end)).toString();
      }
      case WILDCARD -> {
        Matcher m = wildcard(selector.getIdentifier()).matcher(identifier);
        yield m.find() ? Template.expand(template, m) : identifier;
      }
      case UNRECOGNIZED ->
          throw new BuildException(
              Kind.INVALID, "unknown match type: " + selector.getMatchTypeValue());
    };
  }
}
