package dev.kiln.remotecache;

import com.fasterxml.jackson.databind.JsonNode;
import dev.kiln.model.BuildException;
import dev.kiln.model.Json;
import dev.kiln.model.Kind;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/**
 * What a workflow run may do with GitHub's cache, as its token says itself: a JWT that only the
 * service can verify. Immutable; never printed. Source of claims: {@code
 * github.com/tonistiigi/go-actions-cache}, {@code cache.go}.
 *
 * @param raw what the service is shown
 * @param scopes branches, in the token's order
 */
record GhaToken(String raw, List<Scope> scopes, Instant expiresAt) {
  private static final int WRITE = 2;

  /** A branch, or another ref, whose entries can be seen. */
  record Scope(String name, boolean writable) {}

  GhaToken {
    scopes = List.copyOf(scopes);
  }

  /**
   * @param now must lie within the token's time
   * @throws BuildException {@code INVALID} or {@code DENIED}, without any part of the token
   */
  static GhaToken parse(String raw, Instant now) {
    String[] parts = raw.split("\\.", -1);
    if (parts.length != 3) {
      throw invalid("token is malformed: token contains an invalid number of segments");
    }
    JsonNode claims = claims(parts[1]);
    if (!claims.path("ac").isTextual()) {
      throw invalid("invalid token without access controls");
    }
    Instant expiresAt = time(claims, "exp", "expiration");
    if (now.isAfter(expiresAt)) {
      throw new BuildException(Kind.DENIED, "cache token expired at " + expiresAt);
    }
    Instant issuedAt = time(claims, "nbf", "issue");
    if (now.isBefore(issuedAt)) {
      throw new BuildException(Kind.DENIED, "invalid token with future issue time " + issuedAt);
    }
    return new GhaToken(raw, scopes(claims.path("ac").asText()), expiresAt);
  }

  private static JsonNode claims(String part) {
    try {
      JsonNode claims = Json.parse(Base64.getUrlDecoder().decode(part));
      if (claims.isObject()) {
        return claims;
      }
    } catch (Json.Malformed | IllegalArgumentException e) {
      // told below, without the cause: its text may hold a part of the token
    }
    throw invalid("token is malformed: could not decode claims");
  }

  private static Instant time(JsonNode claims, String claim, String name) {
    if (!claims.path(claim).isNumber()) {
      throw invalid("invalid token without " + name + " time");
    }
    try {
      return Instant.ofEpochSecond(claims.path(claim).asLong());
    } catch (DateTimeException e) {
      throw invalid("invalid token with " + name + " time out of range");
    }
  }

  private static List<Scope> scopes(String json) {
    var all = new ArrayList<Scope>();
    try {
      for (JsonNode scope : Json.parse(json)) {
        all.add(
            new Scope(
                scope.path("Scope").asText(), (scope.path("Permission").asInt() & WRITE) != 0));
      }
    } catch (Json.Malformed e) {
      throw invalid("failed to parse token access controls");
    }
    return all;
  }

  private static BuildException invalid(String message) {
    return new BuildException(Kind.INVALID, message);
  }

  @Override
  public String toString() {
    return "GhaToken[***]";
  }
}
