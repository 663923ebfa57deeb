package dev.kiln.registry;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What registries granted to which sessions for one repository and one purpose (pull or push). A
 * session uses another's grant only after it proved to own the same credentials, by signature or by
 * showing them. Any thread: one request at a time negotiates, so that parallel layers share one
 * token.
 *
 * <p>Rules: BuildKit v0.22 {@code util/resolver/authorizer.go}; distribution's token and OAuth
 * authentication.
 */
final class Grants {
  /** Idle grants are forgotten. */
  private static final Duration KEPT = Duration.ofMinutes(10);

  private final TokenServer server;
  private final Clock clock;
  private final ReentrantLock lock = new ReentrantLock();
  private final List<Grant> grants = new ArrayList<>();

  Grants(TokenServer server, Clock clock) {
    this.server = server;
    this.clock = clock;
  }

  private record Issued(String header, Optional<Instant> expires) {}

  /** The mutable part is guarded by the lock of {@link Grants}. */
  private static final class Grant {
    final String host;
    final Challenge.Scheme scheme;
    final Optional<byte[]> authority;
    final Optional<Credentials.Login> login;
    final String realm;
    final String service;
    final List<String> scopes;
    final Set<String> sessions = new HashSet<>();
    final Map<String, Issued> tokens = new HashMap<>();
    Instant lastUsed;

    Grant(
        String host,
        Challenge challenge,
        Optional<byte[]> authority,
        Optional<Credentials.Login> login,
        List<String> scopes,
        Instant now) {
      this.host = host;
      this.scheme = challenge.scheme();
      this.authority = authority;
      this.login = login;
      this.realm = challenge.parameter("realm").orElse("");
      this.service = challenge.parameter("service").orElse("");
      this.scopes = scopes;
      this.lastUsed = now;
    }
  }

  /** The Authorization header for a request to {@code host}; empty where nothing was asked yet. */
  Optional<String> authorize(String host, Credentials who, List<String> scopes)
      throws IOException, InterruptedException {
    lock.lockInterruptibly();
    try {
      Optional<Grant> grant = find(host, who);
      if (grant.isEmpty()) {
        return Optional.empty();
      }
      return Optional.of(header(grant.get(), who, scopes));
    } catch (BuildException e) {
      throw e.wrap("failed to authorize");
    } catch (UnexpectedStatus e) {
      throw new BuildException(Kind.DENIED, "failed to authorize: " + e.getMessage(), e);
    } catch (IOException e) {
      throw new IOException("failed to authorize: " + e.getMessage(), e);
    } finally {
      lock.unlock();
    }
  }

  /** Whether nothing is granted (any more). */
  boolean isEmpty() {
    if (!lock.tryLock()) {
      return false;
    }
    try {
      forgetIdle();
      return grants.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  private Instant forgetIdle() {
    Instant now = clock.instant();
    grants.removeIf(g -> g.lastUsed.plus(KEPT).isBefore(now));
    return now;
  }

  private Optional<Grant> find(String host, Credentials who) throws InterruptedException {
    Instant now = forgetIdle();
    for (Grant grant : grants) {
      boolean own = who.sessions().isEmpty() ? grant.sessions.contains("") : false;
      if (grant.host.equals(host)
          && (own || who.sessions().stream().anyMatch(grant.sessions::contains))) {
        grant.lastUsed = now;
        return Optional.of(grant);
      }
    }
    for (Grant grant : grants) {
      if (grant.host.equals(host)) {
        Optional<String> proved = prove(grant, host, who);
        if (proved.isPresent()) {
          grant.sessions.add(proved.get());
          grant.lastUsed = now;
          return Optional.of(grant);
        }
      }
    }
    return Optional.empty();
  }

  /** The session of {@code who} that owns what {@code grant} was given for. */
  private static Optional<String> prove(Grant grant, String host, Credentials who)
      throws InterruptedException {
    try {
      if (grant.authority.isPresent()) {
        return who.verify(host, grant.authority.get());
      }
      Optional<Credentials.Login> shown = who.login(host);
      boolean same =
          key(shown).length == key(grant.login).length
              && MessageDigest.isEqual(key(shown), key(grant.login));
      return same
          ? Optional.of(shown.map(Credentials.Login::sessionId).orElse(firstOf(who)))
          : Optional.empty();
    } catch (BuildException e) {
      return Optional.empty(); // a client that cannot prove it negotiates for itself
    }
  }

  private static String firstOf(Credentials who) {
    return who.sessions().isEmpty() ? "" : who.sessions().getFirst();
  }

  private static byte[] key(Optional<Credentials.Login> login) {
    return login
        .map(l -> l.username() + "\0" + l.secret())
        .orElse("\0")
        .getBytes(StandardCharsets.UTF_8);
  }

  private String header(Grant grant, Credentials who, List<String> wanted)
      throws IOException, InterruptedException {
    if (grant.scheme == Challenge.Scheme.BASIC) {
      Credentials.Login login = grant.login.orElseThrow();
      return "Basic " + basic(login);
    }
    var all = new ArrayList<>(grant.scopes);
    all.addAll(wanted);
    Scopes scopes = Scopes.of(all);
    String key = scopes.toString();
    Issued known = grant.tokens.get(key);
    Instant now = clock.instant();
    if (known != null && known.expires().map(now::isBefore).orElse(true)) {
      return known.header();
    }
    Credentials.Token token =
        grant.authority.isPresent()
            ? who.token(
                new Credentials.TokenRequest(
                    TokenServer.CLIENT_ID, grant.host, grant.realm, grant.service, scopes.texts()))
            : server.fetch(grant.realm, grant.service, scopes.texts(), grant.login);
    // A token without a stated life lasts a minute (distribution-spec); leave a tenth as margin.
    Duration life = token.life().isZero() ? Duration.ofSeconds(60) : token.life();
    Instant expires = token.issued().orElse(now).plusMillis(life.toMillis() * 9 / 10);
    Issued issued =
        new Issued(
            "Bearer " + token.value(),
            expires.isAfter(now) ? Optional.of(expires) : Optional.empty());
    grant.tokens.put(key, issued);
    return issued.header();
  }

  static String basic(Credentials.Login login) {
    byte[] pair = (login.username() + ":" + login.secret()).getBytes(StandardCharsets.UTF_8);
    return Base64.getEncoder().encodeToString(pair);
  }

  /**
   * Learns from a 401.
   *
   * @param repeated whether the very same request was refused right before
   * @return whether it is worth asking again
   * @throws BuildException {@code DENIED} where another token would not help
   */
  boolean learn(HttpResponse<?> refused, boolean repeated, Credentials who)
      throws InterruptedException {
    URI uri = refused.request().uri();
    String host = uri.getAuthority();
    lock.lockInterruptibly();
    try {
      Optional<Grant> grant = find(host, who);
      for (Challenge c : Challenge.parse(refused.headers().allValues("WWW-Authenticate"))) {
        switch (c.scheme()) {
          case BEARER -> {
            return bearer(host, c, grant, repeated, who);
          }
          case BASIC -> {
            Optional<Credentials.Login> login =
                who.login(host).filter(l -> !l.username().isEmpty() && !l.secret().isEmpty());
            if (login.isPresent()) {
              if (grant.isPresent()) {
                return false; // these very credentials were just refused
              }
              add(new Grant(host, c, Optional.empty(), login, List.of(), clock.instant()), who);
              return true;
            }
          }
        }
      }
      return false;
    } finally {
      lock.unlock();
    }
  }

  private boolean bearer(
      String host, Challenge c, Optional<Grant> grant, boolean repeated, Credentials who)
      throws InterruptedException {
    List<String> old = List.of();
    String error = c.parameter("error").orElse("");
    Optional<Grant> usable = grant;
    if (!error.isEmpty() && repeated) {
      grant.ifPresent(grants::remove);
      old = grant.map(g -> g.scopes).orElse(List.of());
      usable = Optional.empty();
      Scopes asked = Scopes.of(List.of(c.parameter("scope").orElse("")));
      if (error.equals("insufficient_scope") && Scopes.of(old).contains(asked)) {
        throw new BuildException(
            Kind.DENIED, "server message: " + error + ": authorization failed");
      }
    }
    if (usable.isPresent()) {
      return true;
    }
    if (c.parameter("realm").isEmpty()) {
      throw new BuildException(Kind.DENIED, "no realm specified for token auth challenge");
    }
    Optional<Credentials.Authority> authority = who.authority(host);
    Optional<Credentials.Login> login = authority.isPresent() ? Optional.empty() : who.login(host);
    var scopes = new ArrayList<>(old);
    c.parameter("scope").ifPresent(scopes::add);
    Grant made =
        new Grant(
            host,
            c,
            authority.map(Credentials.Authority::key),
            login,
            Scopes.of(scopes).texts(),
            clock.instant());
    authority.ifPresent(a -> made.sessions.add(a.sessionId()));
    add(made, who);
    return true;
  }

  private void add(Grant grant, Credentials who) {
    grant.login.ifPresent(l -> grant.sessions.add(l.sessionId()));
    if (grant.sessions.isEmpty()) {
      grant.sessions.add(firstOf(who));
    }
    grants.add(grant);
  }
}
