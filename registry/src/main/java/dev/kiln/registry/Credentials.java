package dev.kiln.registry;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Who asks a registry: the port behind which the clients of a build answer for it. Hosts are those
 * of the requests, so Docker Hub is {@code registry-1.docker.io}. Methods may block on a client;
 * any thread.
 */
public interface Credentials {
  /** Ids of the clients that may answer, best first; what one proved may be used for it again. */
  List<String> sessions();

  /** Whether one of them is still there, or none is needed; does not block. */
  default boolean isReachable() {
    return true;
  }

  /** A name and secret for the host; empty where no client lends any. */
  Optional<Login> login(String host) throws InterruptedException;

  /** A client that fetches tokens itself, with the key by which others prove the same identity. */
  Optional<Authority> authority(String host) throws InterruptedException;

  /** The session that just proved to own {@code key}, an Ed25519 public key; empty for none. */
  Optional<String> verify(String host, byte[] key) throws InterruptedException;

  /** A token that a client of {@link #authority} fetched. */
  Token token(TokenRequest request) throws InterruptedException;

  /** A secret never shows in {@link #toString}. An empty name means that it is a refresh token. */
  record Login(String sessionId, String username, String secret) {
    @Override
    public String toString() {
      return "Login[session " + sessionId + "]";
    }
  }

  /** Key of 32 bytes; never written to. */
  record Authority(String sessionId, byte[] key) {}

  /** What a registry's challenge asked for. */
  record TokenRequest(
      String clientId, String host, String realm, String service, List<String> scopes) {
    public TokenRequest {
      scopes = List.copyOf(scopes);
    }
  }

  /**
   * A bearer token; a life of zero means that the issuer did not say. What an issuer says is
   * brought into the range in which it can be reckoned with: a year of life at most, issued in this
   * era or at a time unknown.
   */
  record Token(String value, Duration life, Optional<Instant> issued) {
    private static final Duration LONGEST = Duration.ofDays(365);
    private static final Instant LAST = Instant.parse("9999-01-01T00:00:00Z");

    public Token {
      life = life.isNegative() ? Duration.ZERO : life.compareTo(LONGEST) > 0 ? LONGEST : life;
      issued = issued.filter(at -> at.isAfter(Instant.EPOCH) && at.isBefore(LAST));
    }

    @Override
    public String toString() {
      return "Token[life " + life + "]";
    }
  }

  /** Nobody: public images only. */
  Credentials ANONYMOUS =
      new Credentials() {
        @Override
        public List<String> sessions() {
          return List.of();
        }

        @Override
        public Optional<Login> login(String host) {
          return Optional.empty();
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
          throw new IllegalStateException("nobody fetches tokens here");
        }
      };
}
