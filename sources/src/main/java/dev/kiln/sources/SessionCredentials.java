package dev.kiln.sources;

import dev.kiln.registry.Credentials;
import dev.kiln.session.ClientAuth;
import dev.kiln.session.SessionGroup;
import java.util.List;
import java.util.Optional;

/** The clients of a build, as those who answer for it to registries. Immutable, any thread. */
public final class SessionCredentials implements Credentials {
  private final ClientAuth auth;
  private final SessionGroup sessions;

  public SessionCredentials(ClientAuth auth, SessionGroup sessions) {
    this.auth = auth;
    this.sessions = sessions;
  }

  @Override
  public List<String> sessions() {
    return sessions.ids();
  }

  @Override
  public boolean isReachable() {
    return sessions.isReachable();
  }

  @Override
  public Optional<Login> login(String host) throws InterruptedException {
    if (sessions.isEmpty()) {
      return Optional.empty();
    }
    ClientAuth.Credentials c = auth.credentials(sessions, host);
    return c.isAnonymous()
        ? Optional.empty()
        : Optional.of(new Login(c.sessionId(), c.username(), c.secret()));
  }

  @Override
  public Optional<Authority> authority(String host) throws InterruptedException {
    return sessions.isEmpty()
        ? Optional.empty()
        : auth.tokenAuthority(sessions, host).map(a -> new Authority(a.sessionId(), a.publicKey()));
  }

  @Override
  public Optional<String> verify(String host, byte[] key) throws InterruptedException {
    return sessions.isEmpty() ? Optional.empty() : auth.verifyTokenAuthority(sessions, host, key);
  }

  @Override
  public Token token(TokenRequest r) throws InterruptedException {
    ClientAuth.Token token =
        auth.fetchToken(
            sessions,
            new ClientAuth.TokenQuery(r.clientId(), r.host(), r.realm(), r.service(), r.scopes()));
    return new Token(token.value(), token.expiresIn(), token.issuedAt());
  }
}
