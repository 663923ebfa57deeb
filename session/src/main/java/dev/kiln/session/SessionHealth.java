package dev.kiln.session;

import dev.kiln.grpc.PlainBytes;
import dev.kiln.tracing.Blocking;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks a client every few seconds whether it is there, and ends its session when it twice is not.
 * Patient on purpose: a slow line full of files must not end a build (BuildKit v0.22, {@code
 * session/grpc.go}). One virtual thread a session, which ends with it.
 */
final class SessionHealth {
  private static final Duration PERIOD = Duration.ofSeconds(5);
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int RESET_AFTER = 5;
  private static final Logger LOG = LoggerFactory.getLogger(SessionHealth.class);

  /** An empty request means the whole server; any answer at all is a sign of life. */
  private static final MethodDescriptor<byte[], byte[]> CHECK =
      MethodDescriptor.<byte[], byte[]>newBuilder()
          .setType(MethodDescriptor.MethodType.UNARY)
          .setFullMethodName("grpc.health.v1.Health/Check")
          .setRequestMarshaller(PlainBytes.MARSHALLER)
          .setResponseMarshaller(PlainBytes.MARSHALLER)
          .build();

  private SessionHealth() {}

  static void watch(ClientSession session) {
    Blocking.start(
        "session-health",
        () -> {
          try {
            new Checks(session).run();
          } finally {
            session.close();
          }
          return null;
        });
  }

  /** What is remembered between checks. Pure but for its clock readings. */
  static final class Verdict {
    private boolean failedBefore;
    private int successes;
    private Duration last = Duration.ZERO;

    Duration patience() {
      Duration grown = last.multipliedBy(3).dividedBy(2);
      return grown.compareTo(PATIENCE) > 0 ? grown : PATIENCE;
    }

    /** Whether the session goes on. */
    boolean after(boolean answered, Duration took) {
      last = took;
      if (answered) {
        successes++;
        if (successes >= RESET_AFTER) {
          failedBefore = false;
        }
        return true;
      }
      if (failedBefore) {
        return false;
      }
      failedBefore = true;
      successes = 0;
      return true;
    }
  }

  private record Checks(ClientSession session) {
    void run() throws InterruptedException, ExecutionException {
      var done = session.done().toCompletableFuture();
      var verdict = new Verdict();
      while (true) {
        try {
          done.get(PERIOD.toMillis(), TimeUnit.MILLISECONDS);
          return;
        } catch (TimeoutException _) {
          // the period is over
        }
        long started = System.nanoTime();
        boolean answered = ask(verdict.patience());
        Duration took = Duration.ofNanos(System.nanoTime() - started);
        if (session.isDone()) {
          return;
        }
        if (!answered) {
          LOG.warn("health check of {} failed after {}", session, took);
        }
        if (!verdict.after(answered, took)) {
          LOG.error("{} does not answer health checks, ending it", session);
          return;
        }
      }
    }

    private boolean ask(Duration patience) {
      try {
        ClientCalls.blockingUnaryCall(
            session.channel(),
            CHECK,
            Calls.OPTIONS.withDeadlineAfter(patience.toMillis(), TimeUnit.MILLISECONDS),
            new byte[0]);
        return true;
      } catch (StatusRuntimeException _) {
        return false;
      }
    }
  }
}
