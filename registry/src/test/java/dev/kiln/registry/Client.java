package dev.kiln.registry;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;

/** One session with a name and password for some hosts. Any thread. */
final class Client implements Credentials {
  /** The hosts that it was asked for. */
  final List<String> asked = new CopyOnWriteArrayList<>();

  private final String session;
  private final String username;
  private final String secret;
  private final Predicate<String> hosts;

  Client(String session, String username, String secret) {
    this(session, username, secret, _ -> true);
  }

  Client(String session, String username, String secret, Predicate<String> hosts) {
    this.session = session;
    this.username = username;
    this.secret = secret;
    this.hosts = hosts;
  }

  @Override
  public List<String> sessions() {
    return List.of(session);
  }

  @Override
  public Optional<Login> login(String host) {
    asked.add(host);
    return hosts.test(host) ? Optional.of(new Login(session, username, secret)) : Optional.empty();
  }

  @Override
  public Optional<Authority> authority(String host) {
    return Optional.empty();
  }

  @Override
  public Optional<String> verify(String host, byte[] key) {
    return Optional.empty();
  }

  @Override
  public Token token(TokenRequest request) {
    throw new AssertionError("not this client's way");
  }
}
