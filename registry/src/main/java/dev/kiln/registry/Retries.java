package dev.kiln.registry;

import dev.kiln.model.BuildException;
import java.io.IOException;
import java.net.ConnectException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Predicate;
import javax.net.ssl.SSLException;

/**
 * Tries again what may pass: 5xx answers and connections that broke, after 1, 2 and 4 seconds, and
 * a registry that has too much to do, after as long as it asks for; never what it refused. Rules:
 * BuildKit v0.22 {@code util/resolver/retryhandler/retry.go}; waiting as told is ours.
 */
final class Retries {
  private static final List<Duration> WAITS =
      List.of(Duration.ofSeconds(1), Duration.ofSeconds(2), Duration.ofSeconds(4));

  /** What a 429 without a time is worth. */
  private static final List<Duration> LONGER_WAITS =
      List.of(
          Duration.ofSeconds(1),
          Duration.ofSeconds(2),
          Duration.ofSeconds(4),
          Duration.ofSeconds(8),
          Duration.ofSeconds(16));

  /** A build waits no longer at a time, and three times as long for one request in all. */
  static final Duration LONGEST = Duration.ofMinutes(5);

  private static final Duration IN_ALL = LONGEST.multipliedBy(3);
  private static final int MOST = 10;

  /** How a wait passes; tests let it pass at once. */
  interface Pause {
    void pass(Duration time) throws InterruptedException;
  }

  interface Attempt<T> {
    T run() throws IOException, InterruptedException;
  }

  private final Pause pause;

  Retries(Pause pause) {
    this.pause = pause;
  }

  /**
   * @param log told of each failed attempt and wait, in lines
   */
  <T> T run(Attempt<T> attempt, Consumer<String> log) throws IOException, InterruptedException {
    return run(attempt, log, Retries::mayPass);
  }

  /** As {@link #run}, but tries again only where the registry asks for it. */
  <T> T whenAsked(Attempt<T> attempt, Consumer<String> log)
      throws IOException, InterruptedException {
    return run(
        attempt,
        log,
        e -> e instanceof UnexpectedStatus s && mayPass(s) && (isBusy(s) || asksToWait(s)));
  }

  private <T> T run(Attempt<T> attempt, Consumer<String> log, Predicate<IOException> worth)
      throws IOException, InterruptedException {
    Duration waited = Duration.ZERO;
    for (int failures = 1; ; failures++) {
      Duration wait;
      try {
        return attempt.run();
      } catch (IOException e) {
        if (!worth.test(e)) {
          throw e;
        }
        log.accept("error: " + e.getMessage() + "\n");
        wait = wait(e, failures, waited).orElseThrow(() -> last(e));
        log.accept("retrying in " + wait.toSeconds() + "s\n");
      }
      pause.pass(wait);
      waited = waited.plus(wait);
    }
  }

  private static boolean asksToWait(UnexpectedStatus s) {
    return s.retryAfter().isPresent();
  }

  private static Optional<Duration> wait(IOException e, int failures, Duration waited) {
    if (e instanceof UnexpectedStatus s && asksToWait(s)) {
      Duration told = s.retryAfter().get();
      boolean bearable =
          told.compareTo(LONGEST) <= 0
              && waited.plus(told).compareTo(IN_ALL) <= 0
              && failures <= MOST;
      return bearable
          ? Optional.of(told.compareTo(WAITS.getFirst()) < 0 ? WAITS.getFirst() : told)
          : Optional.empty();
    }
    List<Duration> waits = e instanceof UnexpectedStatus s && isBusy(s) ? LONGER_WAITS : WAITS;
    return failures <= waits.size() ? Optional.of(waits.get(failures - 1)) : Optional.empty();
  }

  private static IOException last(IOException e) {
    return e instanceof UnexpectedStatus s
            && s.retryAfter().isPresent()
            && s.retryAfter().get().compareTo(LONGEST) > 0
        ? s.and(
            "it asks to come back in "
                + s.retryAfter().get().toSeconds()
                + "s; a build waits up to "
                + LONGEST.toSeconds()
                + "s")
        : e;
  }

  private static boolean isBusy(UnexpectedStatus s) {
    return s.status() == 429 || s.status() == 408;
  }

  static boolean mayPass(IOException e) {
    if (e instanceof UnexpectedStatus s) {
      return isBusy(s) || s.status() >= 500 && s.status() <= 599;
    }
    for (Throwable t = e; t != null; t = t.getCause()) {
      if (t instanceof ConnectException
          || t instanceof SSLException
          || t instanceof BuildException
          || t instanceof InterruptedException) {
        return false;
      }
    }
    return true;
  }
}
