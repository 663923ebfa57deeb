package dev.kiln.session;

import dev.kiln.grpc.session.secrets.GetSecretRequest;
import dev.kiln.grpc.session.secrets.GetSecretResponse;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import io.grpc.MethodDescriptor;

/** Secrets that clients lend. Stateless, any thread; blocks. Values are logged nowhere. */
public final class Secrets {
  private static final MethodDescriptor<GetSecretRequest, GetSecretResponse> GET =
      Calls.unary(
          "moby.buildkit.secrets.v1.Secrets",
          "GetSecret",
          GetSecretRequest.getDefaultInstance(),
          GetSecretResponse.getDefaultInstance());

  private Secrets() {}

  /**
   * The secret from the first session that has it. The caller owns the bytes.
   *
   * @throws BuildException {@code NOT_FOUND}, "secret ID: not found", where no session has it
   */
  public static byte[] get(SessionGroup sessions, String id) throws InterruptedException {
    return sessions.any(session -> get(session, id));
  }

  /** As above, from one session. */
  public static byte[] get(ClientSession session, String id) throws InterruptedException {
    try {
      var request = GetSecretRequest.newBuilder().setID(id).build();
      return Calls.ask(session, GET, request).getData().toByteArray();
    } catch (BuildException e) {
      if (e.kind() == Kind.NOT_FOUND || e.kind() == Kind.UNSUPPORTED) {
        throw new BuildException(Kind.NOT_FOUND, "secret " + id + ": not found", e);
      }
      throw e;
    }
  }
}
