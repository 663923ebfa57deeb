package dev.kiln.registry;

import dev.kiln.model.BuildException;
import java.io.IOException;
import java.net.ConnectException;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import javax.net.ssl.SSLException;

/**
 * Tries again what may pass: 5xx answers and connections that broke, after 1, 2 and 4 seconds;
 * never what the registry refused. Rules: BuildKit v0.22 {@code
 * util/resolver/retryhandler/retry.go}.
 */
final class Retries {
  private static final List<Duration> WAITS =
      List.of(Duration.ofSeconds(1), Duration.ofSeconds(2), Duration.ofSeconds(4));

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
    for (Duration wait : WAITS) {
      try {
        return attempt.run();
      } catch (IOException e) {
        if (!mayPass(e)) {
          throw e;
        }
        log.accept("error: " + e.getMessage() + "\n");
        log.accept("retrying in " + wait.toSeconds() + "s\n");
      }
      pause.pass(wait);
    }
    try {
      return attempt.run();
    } catch (IOException e) {
      if (mayPass(e)) {
        log.accept("error: " + e.getMessage() + "\n");
      }
      throw e;
    }
  }

  static boolean mayPass(IOException e) {
    if (e instanceof UnexpectedStatus s) {
      return s.status() >= 500 && s.status() <= 599;
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
