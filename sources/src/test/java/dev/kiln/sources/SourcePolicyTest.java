package dev.kiln.sources;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.grpc.sourcepolicy.AttrConstraint;
import dev.kiln.grpc.sourcepolicy.AttrMatch;
import dev.kiln.grpc.sourcepolicy.MatchType;
import dev.kiln.grpc.sourcepolicy.Policy;
import dev.kiln.grpc.sourcepolicy.PolicyAction;
import dev.kiln.grpc.sourcepolicy.Rule;
import dev.kiln.grpc.sourcepolicy.Selector;
import dev.kiln.grpc.sourcepolicy.Update;
import dev.kiln.llb.SourceOp;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SourcePolicyTest {
  private static final String GOLANG = "docker-image://docker.io/library/golang:1.19";

  private static Rule rule(PolicyAction action, MatchType type, String identifier) {
    return Rule.newBuilder()
        .setAction(action)
        .setSelector(Selector.newBuilder().setIdentifier(identifier).setMatchType(type))
        .build();
  }

  private static Rule convert(MatchType type, String from, String to) {
    return rule(PolicyAction.CONVERT, type, from).toBuilder()
        .setUpdates(Update.newBuilder().setIdentifier(to))
        .build();
  }

  private static Optional<SourceOp> rewrite(SourceOp op, Rule... rules) {
    Policy policy = Policy.newBuilder().addAllRules(List.of(rules)).build();
    return SourcePolicy.of(List.of(policy)).rewrite(op, Optional.empty());
  }

  private static SourceOp op(String identifier) {
    return new SourceOp(identifier, Map.of());
  }

  @ParameterizedTest
  @CsvSource({
    "WILDCARD, docker-image://docker.io/library/golang:*, "
        + "docker-image://mirror/golang:${1}-alpine, docker-image://mirror/golang:1.19-alpine",
    "WILDCARD, *golang:*, ${1}ruby:$2, docker-image://docker.io/library/ruby:1.19",
    "WILDCARD, *golang:*, ${1}ruby:$2x, docker-image://docker.io/library/ruby:",
    "WILDCARD, *golang:*, ${1}a$$b, docker-image://docker.io/library/a$b",
    "REGEX, golang, ruby, docker-image://docker.io/library/ruby:1.19",
    "REGEX, '(\\d+)\\.(\\d+)$', '${2}.${1}', docker-image://docker.io/library/golang:19.1",
    "REGEX, '(?P<name>[a-z]+):1.19', 'x/$name:2', docker-image://docker.io/library/x/golang:2",
  })
  void conversionFillsInWhatThePatternCaptured(
      MatchType type, String from, String to, String result) {
    assertThat(rewrite(op(GOLANG), once(type, from, to)))
        .map(SourceOp::identifier)
        .contains(result);
  }

  /** A conversion that no longer applies to its own result. */
  private static Rule once(MatchType type, String from, String to) {
    Rule rule = convert(type, from, to);
    return rule.toBuilder()
        .setSelector(
            rule.getSelector().toBuilder()
                .addConstraints(
                    AttrConstraint.newBuilder()
                        .setKey("done")
                        .setCondition(AttrMatch.NOTEQUAL)
                        .setValue("yes")))
        .setUpdates(rule.getUpdates().toBuilder().putAttrs("done", "yes"))
        .build();
  }

  @Test
  void lastMatchingRuleWins() {
    Rule deny = rule(PolicyAction.DENY, MatchType.WILDCARD, "docker-image://*");
    Rule allow = rule(PolicyAction.ALLOW, MatchType.EXACT, GOLANG);
    assertThat(rewrite(op(GOLANG), deny, allow)).isEmpty();
    assertThatThrownBy(() -> rewrite(op(GOLANG), allow, deny))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.DENIED))
        .hasMessageContaining("source \"" + GOLANG + "\" denied by policy");
  }

  @Test
  void everyPolicyMustAllow() {
    Policy allows =
        Policy.newBuilder().addRules(rule(PolicyAction.ALLOW, MatchType.WILDCARD, "*")).build();
    Policy denies =
        Policy.newBuilder().addRules(rule(PolicyAction.DENY, MatchType.REGEX, "golang")).build();
    assertThatThrownBy(
            () -> SourcePolicy.of(List.of(denies, allows)).rewrite(op(GOLANG), Optional.empty()))
        .hasMessageContaining("denied");
  }

  @Test
  void conversionWithoutIdentifierChangesAttributesOnly() {
    Rule pin =
        rule(PolicyAction.CONVERT, MatchType.EXACT, "https://example.com/a").toBuilder()
            .setUpdates(Update.newBuilder().putAttrs("http.checksum", "sha256:00"))
            .build();
    assertThat(rewrite(op("https://example.com/a"), pin))
        .contains(new SourceOp("https://example.com/a", Map.of("http.checksum", "sha256:00")));
  }

  @Test
  void conversionThatNeverEndsIsRefused() {
    assertThatThrownBy(() ->
            rewrite(
                op("docker-image://a"),
                convert(MatchType.EXACT, "docker-image://a", "docker-image://b").toBuilder()
                    .setSelector(
                        Selector.newBuilder()
                            .setIdentifier("docker-image://*")
                            .setMatchType(MatchType.WILDCARD))
                    .setUpdates(Update.newBuilder().setIdentifier("docker-image://x${1}"))
                    .build()))
        .hasMessageContaining("too many");
  }

  @Test
  void constraintsLookAtAttributes() {
    Rule deny =
        rule(PolicyAction.DENY, MatchType.WILDCARD, "https://*").toBuilder()
            .setSelector(
                Selector.newBuilder()
                    .setIdentifier("https://*")
                    .addConstraints(
                        AttrConstraint.newBuilder()
                            .setKey("http.checksum")
                            .setCondition(AttrMatch.MATCHES)
                            .setValue("^$")))
            .build();
    assertThatThrownBy(() -> rewrite(op("https://a/b"), deny)).hasMessageContaining("denied");
    assertThat(rewrite(new SourceOp("https://a/b", Map.of("http.checksum", "x")), deny)).isEmpty();
  }

  @Test
  void malformedRulesAreRefused() {
    assertThatThrownBy(() -> rewrite(op("a"), convert(MatchType.WILDCARD, "**", "b")))
        .hasMessageContaining("invalid wildcard");
    assertThatThrownBy(() -> rewrite(op("a"), rule(PolicyAction.DENY, MatchType.REGEX, "(")))
        .hasMessageContaining("invalid regex");
    assertThatThrownBy(() -> rewrite(op("a"), rule(PolicyAction.CONVERT, MatchType.EXACT, "a")))
        .hasMessageContaining("missing destination for convert rule");
  }

  @Test
  @Timeout(20)
  void expressionsAreGosAndTakeLinearTime() {
    SourceOp op = op("https://host/" + "a".repeat(50_000) + "!");
    assertThat(rewrite(op, rule(PolicyAction.DENY, MatchType.REGEX, "^https://host/(a+)+$")))
        .isEmpty();
    assertThatThrownBy(
            () -> rewrite(op, rule(PolicyAction.DENY, MatchType.REGEX, "^https://host/(a)\\1")))
        .hasMessageContaining("invalid regex"); // RE2 has no references back
  }
}
