package dev.kiln.registry;

import java.util.Optional;

/**
 * What a request showed to its host, so that a refusal counts against that and nothing else.
 * Immutable.
 *
 * @param grant the grant behind the header; empty for a request without one
 * @param header the Authorization header, or empty
 * @param scopes what a token was asked for
 * @param fresh whether the token was issued for this very request
 */
record Carried(Optional<Grant> grant, String header, Scopes scopes, boolean fresh) {
  static final Carried NOTHING =
      new Carried(Optional.empty(), "", Scopes.of(java.util.List.of()), false);

  boolean by(Grant other) {
    return grant.isPresent() && grant.get() == other;
  }

  /** What was shown, in words and without the secret. */
  String inWords() {
    if (grant.isEmpty()) {
      return "no credentials were sent";
    }
    String whose =
        grant
            .flatMap(g -> g.login)
            .map(login -> login.username().isEmpty() ? "" : " of " + login.username())
            .orElse("");
    boolean anonymous = grant.get().login.isEmpty() && grant.get().authority.isEmpty();
    return switch (grant.get().scheme) {
      case BASIC -> "the name and password" + whose + " were sent";
      case BEARER -> anonymous ? "an anonymous token was sent" : "a token" + whose + " was sent";
    };
  }

  @Override
  public String toString() {
    return "Carried[" + inWords() + "]";
  }
}
