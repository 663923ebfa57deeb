package dev.kiln.registry;

import dev.kiln.tracing.ThreadPerTask;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * The body of an answer. It says in words how it broke, and breaks where its server is too slow:
 * time in which the reader does not read counts for nothing. One reader, who closes it.
 */
final class Body extends FilterInputStream {
  private static final Executor WATCH = new ThreadPerTask("http-watch");

  private final String host;
  private final Patience patience;
  private volatile long since; // System.nanoTime when the reader began to wait; 0 while it does not
  private volatile long deadline; // likewise; 0 for none
  private volatile boolean gaveUp;
  private volatile boolean over;
  private boolean watched;
  private long waited;
  private long arrived;

  Body(InputStream in, String host, Patience patience) {
    super(in);
    this.host = host;
    this.patience = patience;
  }

  /** Lets all of {@code body} take so long at most; what is none of ours has no such limit. */
  static void hurry(InputStream body, Duration time) {
    if (body instanceof Body own) {
      own.deadline = now() + time.toNanos();
    }
  }

  private static long now() {
    long now = System.nanoTime();
    return now == 0 ? 1 : now;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] to, int offset, int length) throws IOException {
    if (!watched) {
      watched = true;
      watchAgain();
    }
    long begun = now();
    since = begun;
    int n;
    try {
      n = super.read(to, offset, length);
    } catch (IOException e) {
      over = true;
      throw gaveUp ? tooSlow() : broken(e);
    } finally {
      since = 0;
    }
    if (n < 0) {
      over = true;
      return n;
    }
    arrived += n;
    waited += now() - begun;
    if (waited >= patience.window().toNanos()) {
      if (arrived < patience.leastBytes()) {
        throw tooSlow();
      }
      waited = 0;
      arrived = 0;
    }
    if (isLate(now())) {
      throw tooSlow();
    }
    return n;
  }

  @Override
  public long skip(long n) throws IOException {
    long left = n;
    byte[] buffer = new byte[(int) Math.min(1 << 16, Math.max(1, n))];
    while (left > 0) {
      int got = read(buffer, 0, (int) Math.min(buffer.length, left));
      if (got < 0) {
        break;
      }
      left -= got;
    }
    return n - left;
  }

  private boolean isLate(long now) {
    return deadline != 0 && now - deadline >= 0;
  }

  private void watchAgain() {
    long tick = Math.max(1, Math.min(patience.window().toMillis() / 4, 5_000));
    CompletableFuture.delayedExecutor(tick, TimeUnit.MILLISECONDS, WATCH).execute(this::watch);
  }

  private void watch() {
    if (over) {
      return;
    }
    long begun = since;
    long now = now();
    boolean stalled = begun != 0 && now - begun >= patience.window().toNanos();
    if (stalled || begun != 0 && isLate(now)) {
      gaveUp = true;
      try {
        in.close(); // which ends the read
      } catch (IOException e) {
        // It is given up anyway.
      }
      return;
    }
    watchAgain();
  }

  private IOException tooSlow() {
    over = true;
    return new IOException(
        "failed to read the answer of "
            + host
            + ": it stalled, or came slower than "
            + patience.leastBytes()
            + " bytes in "
            + patience.window().toSeconds()
            + "s");
  }

  /** The JDK reports a body that broke as one that was closed, with the reason as its cause. */
  private IOException broken(IOException e) {
    Throwable cause = e.getCause() == null ? e : e.getCause();
    String reason = String.valueOf(cause.getMessage());
    String said =
        reason.contains("reset")
            ? "connection reset by peer"
            : cause instanceof IOException ? "unexpected EOF" : reason;
    return new IOException("failed to read the answer of " + host + ": " + said, e);
  }

  @Override
  public void close() throws IOException {
    over = true;
    super.close();
  }
}
