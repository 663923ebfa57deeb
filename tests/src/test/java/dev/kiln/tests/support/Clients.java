package dev.kiln.tests.support;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/** Waiting for what other processes do: for a line that they print, for a state that they reach. */
public final class Clients {
  private Clients() {}

  /** Reads the output of {@code client} up to a line that contains {@code text}. */
  public static BufferedReader readTo(Process client, String text) throws IOException {
    var lines = client.inputReader(StandardCharsets.UTF_8);
    var seen = new StringBuilder();
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      seen.append(line).append('\n');
      if (line.contains(text)) {
        return lines;
      }
    }
    throw new IOException("the client ended without '" + text + "': " + seen);
  }

  /** A condition that may fail to be told. */
  @FunctionalInterface
  public interface Condition {
    boolean holds() throws Exception;
  }

  /** Waits until {@code condition} holds; fails with {@code state} where it does not in time. */
  public static void eventually(Duration patience, Condition condition, Supplier<Object> state)
      throws Exception {
    long end = System.nanoTime() + patience.toNanos();
    while (!condition.holds()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("not within " + patience + ": " + state.get());
      }
      LockSupport.parkNanos(20_000_000);
    }
  }
}
