package dev.kiln.daemon;

import dev.kiln.tracing.Blocking;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sun.misc.Signal;

/**
 * SIGTERM, SIGINT, and the end of the input where that is asked for. The first asks for a stop in
 * order, the third ends the process at once, as buildkitd does. A start that does not come to its
 * end by itself is ended by the first. Any thread; lasts as long as the process.
 */
final class Signals {
  private static final Logger LOG = LoggerFactory.getLogger(Signals.class);
  private static final int PATIENCE = 3;
  private static final Duration START = Duration.ofSeconds(5);

  private final Thread main = Thread.currentThread();
  private final AtomicInteger received = new AtomicInteger();
  private final CompletableFuture<Void> stop = new CompletableFuture<>();
  private final ConcurrentLinkedDeque<AutoCloseable> visible = new ConcurrentLinkedDeque<>();
  private final CountDownLatch over = new CountDownLatch(1);
  private volatile boolean started;

  private Signals() {}

  /** Handles them from here on; called by the thread that starts the daemon. */
  static Signals handle() {
    var signals = new Signals();
    for (String name : List.of("TERM", "INT")) {
      Signal.handle(
          new Signal(name), signal -> signals.received("SIG" + signal.getName(), PATIENCE));
    }
    if (System.getenv("KILN_UNTIL_EOF") != null) {
      var _ = Blocking.onPlatform("until-eof", signals::awaitEndOfInput);
    }
    return signals;
  }

  /** The daemon of one build ends with whoever holds the other end of its standard input. */
  private boolean awaitEndOfInput() throws IOException {
    System.in.transferTo(OutputStream.nullOutputStream());
    received("the end of the input", Integer.MAX_VALUE);
    return true;
  }

  /** Something that others see, to be closed also where a start hangs. */
  <T extends AutoCloseable> T guard(T closeable) {
    visible.push(closeable);
    return closeable;
  }

  /** Done when the process shall stop. */
  CompletableFuture<Void> stop() {
    return stop;
  }

  /** From now on a stop may take as long as builds need to end. */
  void started() {
    started = true;
  }

  /** Everything is closed: the process ends by itself. */
  void closed() {
    over.countDown();
  }

  private void received(String what, int patience) {
    LOG.info("got {}, stopping", what);
    int count = received.incrementAndGet();
    stop.complete(null);
    if (count >= patience) {
      Runtime.getRuntime().halt(1);
    } else if (count == 1 && !started) {
      Thread.ofPlatform().daemon().name("stop-of-a-start").start(this::endStart);
    }
  }

  private void endStart() {
    main.interrupt();
    try {
      if (over.await(START.toMillis(), TimeUnit.MILLISECONDS)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    LOG.warn("the start did not end in {}", START);
    for (AutoCloseable each : visible) {
      try {
        each.close();
      } catch (Exception e) {
        LOG.debug("at the end of a start", e);
      }
    }
    endChildren();
    Runtime.getRuntime().halt(1);
  }

  /** Kills what this process has started and not waited for. */
  static void endChildren() {
    ProcessHandle.current().children().forEach(ProcessHandle::destroyForcibly);
  }
}
