package dev.kiln.registry;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What registries granted to which sessions for one repository and one purpose (pull or push). A
 * session uses another's grant only after it proved to own the same credentials, by signature or by
 * showing them. A refusal counts against a grant only if the refused request carried it: requests
 * that were on their way when it was made say nothing about it. Any thread: one request of a client
 * at a time negotiates, so that parallel layers share one token, and no client waits for another.
 *
 * <p>Rules: BuildKit v0.22 {@code util/resolver/authorizer.go}; distribution's token and OAuth
 * authentication.
 */
final class Grants {
  /** Idle grants are forgotten. */
  private static final Duration KEPT = Duration.ofMinutes(10);

  private final TokenServer server;
  private final Clock clock;
  private final List<Grant> grants = new CopyOnWriteArrayList<>();
  private final ConcurrentMap<List<String>, ReentrantLock> turns = new ConcurrentHashMap<>();

  Grants(TokenServer server, Clock clock) {
    this.server = server;
    this.clock = clock;
  }

  private interface Negotiation<T> {
    T run() throws IOException, InterruptedException;
  }

  /** One at a time for the same sessions. */
  private <T> T inTurn(Credentials who, Negotiation<T> negotiation)
      throws IOException, InterruptedException {
    List<String> sessions = List.copyOf(who.sessions());
    ReentrantLock turn = turns.computeIfAbsent(sessions, _ -> new ReentrantLock());
    turn.lockInterruptibly();
    try {
      return negotiation.run();
    } finally {
      if (!turn.hasQueuedThreads()) {
        turns.remove(sessions, turn); // who got it just now negotiates once more at worst
      }
      turn.unlock();
    }
  }

  /** What a request to {@code host} may carry; nothing where nothing was asked for yet. */
  Carried authorize(String host, Credentials who, List<String> scopes)
      throws IOException, InterruptedException {
    try {
      return inTurn(
          who,
          () -> {
            Optional<Grant> grant = find(host, who);
            return grant.isEmpty() ? Carried.NOTHING : carried(grant.get(), who, scopes);
          });
    } catch (BuildException e) {
      throw e.wrap("failed to authorize");
    } catch (UnexpectedStatus e) {
      throw e.wrap("failed to authorize");
    } catch (IOException e) {
      throw new IOException("failed to authorize: " + e.getMessage(), e);
    }
  }

  /** Whether nothing is granted (any more). */
  boolean isEmpty() {
    forgetIdle();
    return grants.isEmpty() && turns.isEmpty();
  }

  private Instant forgetIdle() {
    Instant now = clock.instant();
    grants.removeIf(g -> g.isIdleSince(now.minus(KEPT)));
    return now;
  }

  private Optional<Grant> find(String host, Credentials who) throws InterruptedException {
    Instant now = forgetIdle();
    List<String> own = who.sessions().isEmpty() ? List.of("") : who.sessions();
    for (Grant grant : grants) {
      if (grant.host.equals(host) && own.stream().anyMatch(grant.sessions::contains)) {
        grant.usedAt(now);
        return Optional.of(grant);
      }
    }
    for (Grant grant : grants) {
      if (grant.host.equals(host)) {
        Optional<String> proved = prove(grant, host, who);
        if (proved.isPresent()) {
          grant.sessions.add(proved.get());
          grant.usedAt(now);
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
      return MessageDigest.isEqual(key(shown), key(grant.login))
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

  private Carried carried(Grant grant, Credentials who, List<String> wanted)
      throws IOException, InterruptedException {
    Scopes scopes = grant.scopesWith(wanted);
    if (grant.scheme == Challenge.Scheme.BASIC) {
      return new Carried(
          Optional.of(grant), "Basic " + basic(grant.login.orElseThrow()), scopes, false);
    }
    Optional<String> known = grant.known(scopes, clock.instant());
    String header =
        known.isPresent() ? known.get() : grant.keep(scopes, token(grant, who, scopes), clock);
    return new Carried(Optional.of(grant), header, scopes, known.isEmpty());
  }

  private Credentials.Token token(Grant grant, Credentials who, Scopes scopes)
      throws IOException, InterruptedException {
    return TokenServer.checked(
        grant.realm,
        grant.authority.isPresent()
            ? who.token(
                new Credentials.TokenRequest(
                    TokenServer.CLIENT_ID, grant.host, grant.realm, grant.service, scopes.texts()))
            : server.fetch(grant.realm, grant.service, scopes.texts(), grant.login));
  }

  static String basic(Credentials.Login login) {
    byte[] pair = (login.username() + ":" + login.secret()).getBytes(StandardCharsets.UTF_8);
    return Base64.getEncoder().encodeToString(pair);
  }

  /**
   * Learns from a 401.
   *
   * @param carried what the refused request showed
   * @return whether it is worth asking again
   * @throws BuildException {@code DENIED} where another token would not help
   */
  boolean learn(HttpResponse<?> refused, Carried carried, Credentials who)
      throws IOException, InterruptedException {
    String host = Locations.authority(refused.request().uri());
    return inTurn(
        who,
        () -> {
          Optional<Grant> now = find(host, who);
          for (Challenge c : Challenge.parse(refused.headers().allValues("WWW-Authenticate"))) {
            boolean again =
                switch (c.scheme()) {
                  case BEARER -> bearer(refused, c, now, carried, who);
                  case BASIC -> basic(host, c, now, carried, who);
                };
            if (again || c.scheme() == Challenge.Scheme.BEARER) {
              return again;
            }
          }
          return false;
        });
  }

  private boolean basic(
      String host, Challenge c, Optional<Grant> now, Carried carried, Credentials who)
      throws InterruptedException {
    if (now.isPresent() && now.get().scheme == c.scheme() && !carried.by(now.get())) {
      return true; // made while this request was on its way
    }
    Optional<Credentials.Login> login =
        who.login(host).filter(l -> !l.username().isEmpty() && !l.secret().isEmpty());
    now.ifPresent(grants::remove);
    if (login.isEmpty() || carried.header().equals("Basic " + basic(login.get()))) {
      return false; // these very credentials were just refused
    }
    add(new Grant(host, c, Optional.empty(), login, clock.instant()), who);
    return true;
  }

  private boolean bearer(
      HttpResponse<?> refused, Challenge c, Optional<Grant> now, Carried carried, Credentials who)
      throws InterruptedException {
    if (now.isPresent() && now.get().scheme == c.scheme()) {
      return !carried.by(now.get()) || renewable(now.get(), c, carried);
    }
    now.ifPresent(grants::remove);
    String host = Locations.authority(refused.request().uri());
    Optional<Credentials.Authority> authority = who.authority(host);
    Optional<Credentials.Login> login = authority.isPresent() ? Optional.empty() : who.login(host);
    server.check(c, refused.request().uri(), authority.isPresent() || login.isPresent());
    var made =
        new Grant(host, c, authority.map(Credentials.Authority::key), login, clock.instant());
    c.parameter("scope").ifPresent(scope -> made.widen(List.of(scope)));
    authority.ifPresent(a -> made.sessions.add(a.sessionId()));
    add(made, who);
    return true;
  }

  /** Whether another token may be taken where this one was not. */
  private boolean renewable(Grant grant, Challenge c, Carried carried) {
    boolean here = grant.drop(carried.header());
    var asked = List.of(c.parameter("scope").orElse(""));
    if (!carried.scopes().contains(Scopes.of(asked))) {
      grant.widen(asked);
      return true;
    }
    if (!here || !carried.fresh()) {
      return true; // renewed meanwhile, or to be renewed: it may have expired or been revoked
    }
    grants.remove(grant);
    if (c.parameter("error").orElse("").equals("insufficient_scope")) {
      throw new BuildException(
          Kind.DENIED,
          "server message: insufficient_scope: authorization failed ("
              + grant.host
              + ": "
              + carried.inWords()
              + ")");
    }
    return false;
  }

  private void add(Grant grant, Credentials who) {
    grant.login.ifPresent(l -> grant.sessions.add(l.sessionId()));
    if (grant.sessions.isEmpty()) {
      grant.sessions.add(firstOf(who));
    }
    grants.add(grant);
  }
}
