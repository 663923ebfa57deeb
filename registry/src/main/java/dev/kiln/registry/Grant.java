package dev.kiln.registry;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What one host grants to clients that proved the same identity: a name and password, or tokens by
 * their scopes. Any thread.
 */
final class Grant {
  /** A token without a stated life lasts a minute (distribution-spec). */
  private static final Duration UNSTATED = Duration.ofMinutes(1);

  /** What a server says beyond is not believed. */
  private static final Duration LONGEST = Duration.ofDays(1);

  final String host;
  final Challenge.Scheme scheme;
  final Optional<byte[]> authority;
  final Optional<Credentials.Login> login;
  final String realm;
  final String service;
  final Set<String> sessions = ConcurrentHashMap.newKeySet();
  private final Map<String, Issued> tokens = new ConcurrentHashMap<>();
  private volatile List<String> scopes = List.of();
  private volatile Instant lastUsed;

  /** An Authorization header, and when it should no longer be sent. */
  private record Issued(String header, Optional<Instant> expires) {
    @Override
    public String toString() {
      return "Issued[expires " + expires + "]";
    }
  }

  Grant(
      String host,
      Challenge challenge,
      Optional<byte[]> authority,
      Optional<Credentials.Login> login,
      Instant now) {
    this.host = host;
    this.scheme = challenge.scheme();
    this.authority = authority;
    this.login = login;
    this.realm = challenge.parameter("realm").orElse("");
    this.service = challenge.parameter("service").orElse("");
    this.lastUsed = now;
  }

  void usedAt(Instant now) {
    lastUsed = now;
  }

  boolean isIdleSince(Instant time) {
    return lastUsed.isBefore(time);
  }

  /** What challenges asked for so far, with {@code wanted}. */
  Scopes scopesWith(Collection<String> wanted) {
    var all = new ArrayList<>(scopes);
    all.addAll(wanted);
    return Scopes.of(all);
  }

  /** From now on tokens are asked for with {@code more}, too. */
  void widen(List<String> more) {
    scopes = scopesWith(more).texts();
  }

  /** The header that serves for {@code of}; empty where there is none, or it has expired. */
  Optional<String> known(Scopes of, Instant now) {
    return Optional.ofNullable(tokens.get(of.toString()))
        .filter(i -> i.expires().map(now::isBefore).orElse(true))
        .map(Issued::header);
  }

  /** Keeps a token; a tenth of its life is left as margin. */
  String keep(Scopes of, Credentials.Token token, Clock clock) {
    Instant now = clock.instant();
    Duration life = token.life().isPositive() ? token.life() : UNSTATED;
    Duration believed = life.compareTo(LONGEST) > 0 ? LONGEST : life;
    // One that was issued long ago by its server's clock is used until it is refused.
    Optional<Instant> expires =
        Optional.of(token.issued().orElse(now).plus(believed.multipliedBy(9).dividedBy(10)))
            .filter(now::isBefore);
    String header = "Bearer " + token.value();
    tokens.put(of.toString(), new Issued(header, expires));
    return header;
  }

  /** Forgets a token that was refused; whether it was still here. */
  boolean drop(String header) {
    return tokens.values().removeIf(i -> i.header().equals(header));
  }
}
