package dev.kiln.session;

import dev.kiln.grpc.GrpcErrors;
import dev.kiln.grpc.transport.GrpcServer;
import dev.kiln.grpc.tunnel.BytePipe;
import dev.kiln.grpc.tunnel.TunnelAddress;
import dev.kiln.grpc.tunnel.TunnelChannel;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import io.grpc.ManagedChannel;
import io.grpc.Status.Code;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.EventLoop;
import java.io.Closeable;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sessions of connected clients. Any thread. The daemon makes one and closes it, which ends all
 * sessions.
 */
public final class Sessions implements Closeable {
  private static final int FLOW_WINDOW_BYTES = 8 << 20;
  private static final Logger LOG = LoggerFactory.getLogger(Sessions.class);

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition arrived = lock.newCondition();
  private final Map<String, ClientSession> byId = new HashMap<>();

  /**
   * Opens a session over the bytes of {@code pipe}, which ends with them; there are calls to it at
   * once. A session with the id of a live one takes its place, and the old one ends.
   *
   * @param loop where the session's connection lives
   */
  public void open(SessionMetadata metadata, BytePipe pipe, EventLoop loop) {
    add(connect(metadata, pipe, loop));
  }

  private static ClientSession connect(SessionMetadata metadata, BytePipe pipe, EventLoop loop) {
    var dialed = new AtomicBoolean();
    var ended = new CompletableFuture<Void>();
    var address = new TunnelAddress(metadata.id());
    ManagedChannel channel =
        NettyChannelBuilder.forAddress(address)
            .channelFactory(() -> {
              if (dialed.getAndSet(true)) { // by a call that came when the bytes had just gone
                throw GrpcErrors.of(Code.UNAVAILABLE, "session " + metadata.id() + " has ended");
              }
              var tunnel = new TunnelChannel(pipe, address);
              tunnel.closeFuture().addListener(_ -> ended.complete(null));
              return tunnel;
            })
            .eventLoopGroup(loop)
            .overrideAuthority("localhost")
            .usePlaintext()
            .flowControlWindow(FLOW_WINDOW_BYTES)
            .maxInboundMessageSize(GrpcServer.MAX_MESSAGE_BYTES)
            .maxInboundMetadataSize(GrpcServer.MAX_MESSAGE_BYTES) // what a failure carries
            .build();
    var session = new ClientSession(metadata, channel, channel::shutdownNow);
    ended.thenRun(session::close);
    channel.getState(true); // dial at once: the client may wait for our preface
    SessionHealth.watch(session);
    return session;
  }

  /** Adds a session that is ready for calls; it is removed when it ends. */
  public void add(ClientSession session) {
    ClientSession replaced;
    lock.lock();
    try {
      replaced = byId.put(session.id(), session);
      arrived.signalAll();
    } finally {
      lock.unlock();
    }
    LOG.debug("{} opened", session);
    session.done().thenRun(() -> remove(session));
    if (replaced != null) {
      replaced.close();
    }
  }

  private void remove(ClientSession session) {
    lock.lock();
    try {
      byId.remove(session.id(), session);
    } finally {
      lock.unlock();
    }
    LOG.debug("{} ended", session);
  }

  /** The live session with this id; a prefix up to a colon is left out of account. */
  public Optional<ClientSession> find(String id) {
    lock.lock();
    try {
      return Optional.ofNullable(byId.get(withoutPrefix(id))).filter(s -> !s.isDone());
    } finally {
      lock.unlock();
    }
  }

  /**
   * As {@link #find}, but waits for a client that is about to connect.
   *
   * @throws BuildException {@code DEADLINE}, "no active session for ID", when the time is up
   */
  public ClientSession get(String id, Duration wait) throws InterruptedException {
    String bare = withoutPrefix(id);
    long left = wait.toNanos();
    lock.lockInterruptibly();
    try {
      while (true) {
        ClientSession session = byId.get(bare);
        if (session != null && !session.isDone()) {
          return session;
        }
        if (left <= 0) {
          throw new BuildException(
              Kind.DEADLINE, "no active session for " + bare + ": context deadline exceeded");
        }
        left = arrived.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Ids carry a prefix where equal vertices of different clients must not meet. */
  private static String withoutPrefix(String id) {
    int colon = id.indexOf(':');
    return colon >= 0 && colon + 1 < id.length() ? id.substring(colon + 1) : id;
  }

  /** The sessions that may provide for one request, asked in this order. */
  public SessionGroup group(List<String> ids) {
    return new SessionGroup(this, () -> ids);
  }

  /** The same where more may come and some go while one is asked. */
  public SessionGroup group(Supplier<List<String>> ids) {
    return new SessionGroup(this, ids);
  }

  /** Ends all sessions. */
  @Override
  public void close() {
    List<ClientSession> all;
    lock.lock();
    try {
      all = List.copyOf(byId.values());
    } finally {
      lock.unlock();
    }
    all.forEach(ClientSession::close);
  }
}
