package dev.kiln.session;

import com.google.protobuf.ByteString;
import dev.kiln.grpc.session.auth.CredentialsRequest;
import dev.kiln.grpc.session.auth.CredentialsResponse;
import dev.kiln.grpc.session.auth.FetchTokenRequest;
import dev.kiln.grpc.session.auth.FetchTokenResponse;
import dev.kiln.grpc.session.auth.GetTokenAuthorityRequest;
import dev.kiln.grpc.session.auth.GetTokenAuthorityResponse;
import dev.kiln.grpc.session.auth.VerifyTokenAuthorityRequest;
import dev.kiln.grpc.session.auth.VerifyTokenAuthorityResponse;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import io.grpc.MethodDescriptor;
import java.security.SecureRandom;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Registry credentials of clients. Any thread; blocks. One object for the daemon's life: its salt
 * keeps the keys that clients derive from being of use to another run. Behaviour: BuildKit v0.22,
 * {@code session/auth/auth.go}.
 */
public final class ClientAuth {
  private static final String SERVICE = "moby.filesync.v1.Auth";
  private static final MethodDescriptor<CredentialsRequest, CredentialsResponse> CREDENTIALS =
      Calls.unary(
          SERVICE,
          "Credentials",
          CredentialsRequest.getDefaultInstance(),
          CredentialsResponse.getDefaultInstance());
  private static final MethodDescriptor<FetchTokenRequest, FetchTokenResponse> FETCH_TOKEN =
      Calls.unary(
          SERVICE,
          "FetchToken",
          FetchTokenRequest.getDefaultInstance(),
          FetchTokenResponse.getDefaultInstance());
  private static final MethodDescriptor<GetTokenAuthorityRequest, GetTokenAuthorityResponse>
      GET_AUTHORITY =
          Calls.unary(
              SERVICE,
              "GetTokenAuthority",
              GetTokenAuthorityRequest.getDefaultInstance(),
              GetTokenAuthorityResponse.getDefaultInstance());
  private static final MethodDescriptor<VerifyTokenAuthorityRequest, VerifyTokenAuthorityResponse>
      VERIFY_AUTHORITY =
          Calls.unary(
              SERVICE,
              "VerifyTokenAuthority",
              VerifyTokenAuthorityRequest.getDefaultInstance(),
              VerifyTokenAuthorityResponse.getDefaultInstance());
  private static final int KEY_BYTES = 32;

  private final SecureRandom random = new SecureRandom();
  private final byte[] salt = randomBytes();

  /**
   * A name and secret; both empty for anonymous use, an empty name beside a secret means that the
   * secret is an identity token. Immutable.
   *
   * @param sessionId the session that gave them
   */
  public record Credentials(String sessionId, String username, String secret) {
    public boolean isAnonymous() {
      return username.isEmpty() && secret.isEmpty();
    }

    /** Without the secret. */
    @Override
    public String toString() {
      return "Credentials[" + sessionId + ", " + username + "]";
    }
  }

  /** What a token is wanted for. Immutable. */
  public record TokenQuery(
      String clientId, String host, String realm, String service, List<String> scopes) {
    public TokenQuery {
      scopes = List.copyOf(scopes);
    }
  }

  /**
   * A bearer token that the client fetched. Immutable.
   *
   * @param issuedAt empty where the token server did not say
   */
  public record Token(String value, Duration expiresIn, Optional<Instant> issuedAt) {
    /** Without the token. */
    @Override
    public String toString() {
      return "Token[expiresIn=" + expiresIn + "]";
    }
  }

  /** The public key that a client derives for a registry host. Immutable. */
  public record Authority(String sessionId, byte[] publicKey) {}

  /**
   * The credentials of the first session that answers; anonymous where it does not serve them.
   *
   * @param host a registry host; Docker Hub is {@code registry-1.docker.io}
   */
  public Credentials credentials(SessionGroup sessions, String host) throws InterruptedException {
    return sessions.any(session -> credentials(session, host));
  }

  /** As above, of one session. */
  public Credentials credentials(ClientSession session, String host) throws InterruptedException {
    try {
      var request = CredentialsRequest.newBuilder().setHost(host).build();
      CredentialsResponse r = Calls.ask(session, CREDENTIALS, request);
      return new Credentials(session.id(), r.getUsername(), r.getSecret());
    } catch (BuildException e) {
      if (e.kind() == Kind.UNSUPPORTED) {
        return new Credentials(session.id(), "", "");
      }
      throw e;
    }
  }

  /** Lets the client ask the token server. */
  public Token fetchToken(SessionGroup sessions, TokenQuery query) throws InterruptedException {
    var request =
        FetchTokenRequest.newBuilder()
            .setClientID(query.clientId())
            .setHost(query.host())
            .setRealm(query.realm())
            .setService(query.service())
            .addAllScopes(query.scopes())
            .build();
    FetchTokenResponse r = sessions.any(session -> Calls.ask(session, FETCH_TOKEN, request));
    return new Token(
        r.getToken(),
        Duration.ofSeconds(r.getExpiresIn()),
        r.getIssuedAt() == 0 ? Optional.empty() : issued(r.getIssuedAt()));
  }

  private static Optional<Instant> issued(long seconds) {
    try {
      return Optional.of(Instant.ofEpochSecond(seconds));
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }

  /** The client's key for a host; empty where it fetches no tokens itself: ask credentials then. */
  public Optional<Authority> tokenAuthority(SessionGroup sessions, String host)
      throws InterruptedException {
    var request =
        GetTokenAuthorityRequest.newBuilder()
            .setHost(host)
            .setSalt(ByteString.copyFrom(salt))
            .build();
    return sessions.any(session -> {
      try {
        byte[] key = Calls.ask(session, GET_AUTHORITY, request).getPublicKey().toByteArray();
        if (key.length != KEY_BYTES) {
          throw new BuildException(Kind.UNKNOWN, "invalid pubkey length " + key.length);
        }
        return Optional.of(new Authority(session.id(), key));
      } catch (BuildException e) {
        if (e.kind() == Kind.UNSUPPORTED || e.kind() == Kind.UNAVAILABLE) {
          return Optional.empty();
        }
        throw e;
      }
    });
  }

  /**
   * Whether a session owns the key that another one showed: then a token fetched for the other may
   * be shared with it. The id is that of the session that proved it.
   */
  public Optional<String> verifyTokenAuthority(SessionGroup sessions, String host, byte[] publicKey)
      throws InterruptedException {
    byte[] payload = randomBytes();
    var request =
        VerifyTokenAuthorityRequest.newBuilder()
            .setHost(host)
            .setSalt(ByteString.copyFrom(salt))
            .setPayload(ByteString.copyFrom(payload))
            .build();
    return sessions.any(session -> {
      try {
        byte[] signed = Calls.ask(session, VERIFY_AUTHORITY, request).getSigned().toByteArray();
        return SignedMessages.verify(publicKey, signed, payload)
            ? Optional.of(session.id())
            : Optional.empty();
      } catch (BuildException e) {
        if (e.kind() == Kind.UNSUPPORTED) {
          return Optional.empty();
        }
        throw e;
      }
    });
  }

  private byte[] randomBytes() {
    byte[] bytes = new byte[KEY_BYTES];
    random.nextBytes(bytes);
    return bytes;
  }
}
