package dev.kiln.tests.support;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.kiln.grpc.session.auth.CredentialsResponse;
import dev.kiln.grpc.session.auth.FetchTokenResponse;
import dev.kiln.grpc.session.auth.GetTokenAuthorityResponse;
import dev.kiln.grpc.session.auth.VerifyTokenAuthorityResponse;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.session.ServerDuplex;
import io.grpc.ServerServiceDefinition;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/** Credentials that a session lends, but for one call, which it never answers. Any thread. */
public final class HostileAuth {
  private static final byte[] KEY = new byte[32];

  /** The call that is not answered. */
  public enum Silence {
    NONE,
    AUTHORITY,
    /** Of one that fetches no tokens itself. */
    CREDENTIALS,
    TOKEN,
    /** That it owns the key of another one's token. */
    PROOF
  }

  private final Silence silence;
  private final CountDownLatch asked = new CountDownLatch(1);

  public HostileAuth(Silence silence) {
    this.silence = silence;
  }

  /** Passed once the daemon waits for the answer. */
  public CountDownLatch asked() {
    return asked;
  }

  /** What a session lends. */
  public ServerServiceDefinition service() {
    var credentials =
        CredentialsResponse.newBuilder().setUsername("user").setSecret("word").build();
    var token = FetchTokenResponse.newBuilder().setToken("good").setExpiresIn(300).build();
    var key = GetTokenAuthorityResponse.newBuilder().setPublicKey(ByteString.copyFrom(KEY)).build();
    var proof = VerifyTokenAuthorityResponse.getDefaultInstance(); // which proves nothing
    return HostileSession.service(
        "moby.filesync.v1.Auth",
        Map.of(
            "Credentials", answers(Silence.CREDENTIALS, credentials),
            "FetchToken", answers(Silence.TOKEN, token),
            "VerifyTokenAuthority", answers(Silence.PROOF, proof),
            "GetTokenAuthority",
                silence == Silence.CREDENTIALS
                    ? (_, _) -> {
                      throw new BuildException(Kind.UNSUPPORTED, "no keys");
                    }
                    : answers(Silence.AUTHORITY, key)));
  }

  private ServerDuplex.Body<byte[], byte[]> answers(Silence call, Message answer) {
    return (_, duplex) -> {
      if (silence == call) {
        asked.countDown();
        Thread.sleep(Long.MAX_VALUE);
      }
      duplex.send(answer.toByteArray());
    };
  }
}
