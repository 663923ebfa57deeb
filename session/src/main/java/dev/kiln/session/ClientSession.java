package dev.kiln.session;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import io.grpc.Channel;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * A client that is connected and lends services. Any thread. It ends when the client goes, when its
 * health checks fail, or by {@link #close}; calls under way then fail with {@code UNAVAILABLE}.
 * {@link Sessions} closes the ones that it made.
 */
public final class ClientSession implements AutoCloseable {
  /** A person may have to find a token first, and type. Who shares what is asked waits as long. */
  private static final Duration PATIENCE = Duration.ofMinutes(10);

  private final SessionMetadata metadata;
  private final Channel channel;
  private final Runnable onClose;
  private final Duration patience;
  private final CompletableFuture<Void> done = new CompletableFuture<>();

  /**
   * A session over a channel that is already open.
   *
   * @param onClose run once, when the session ends
   */
  public ClientSession(SessionMetadata metadata, Channel channel, Runnable onClose) {
    this(metadata, channel, onClose, PATIENCE);
  }

  ClientSession(SessionMetadata metadata, Channel channel, Runnable onClose, Duration patience) {
    this.metadata = metadata;
    this.channel = channel;
    this.onClose = onClose;
    this.patience = patience;
  }

  public SessionMetadata metadata() {
    return metadata;
  }

  public String id() {
    return metadata.id();
  }

  public String name() {
    return metadata.name();
  }

  public String sharedKey() {
    return metadata.sharedKey();
  }

  /** Whether the client announced {@code method}, such as {@code /service/Method}; any case. */
  public boolean supports(String method) {
    return metadata.methods().contains(method.toLowerCase(Locale.ROOT));
  }

  /**
   * @throws BuildException {@code UNSUPPORTED} where the client did not announce {@code method}
   */
  void require(String method) {
    if (!supports(method)) {
      throw new BuildException(
          Kind.UNSUPPORTED, "method " + method + " not supported by the client");
    }
  }

  /**
   * How long the client may take for one answer, or for the next part of it, that builds of others
   * may wait for too: who never answers holds them no longer.
   */
  Duration patience() {
    return patience;
  }

  /** For calls of services that have no caller in this package. */
  public Channel channel() {
    return channel;
  }

  /** Completes when the session has ended; never with a failure. */
  public CompletionStage<Void> done() {
    return done.minimalCompletionStage();
  }

  public boolean isDone() {
    return done.isDone();
  }

  @Override
  public void close() {
    if (done.complete(null)) {
      onClose.run();
    }
  }

  @Override
  public String toString() {
    return "session " + id();
  }
}
