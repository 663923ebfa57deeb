package dev.kiln.tests.support;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Holds each test of a class to leave its daemon as it was before: the class registers it as a
 * field, lives as long as its daemon, and closes that itself.
 */
public final class NothingIsLeft implements BeforeEachCallback, AfterEachCallback {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int DESCRIPTOR_SLACK = 8; // connections of HTTP clients that idle
  private static final int THREAD_SLACK = 8; // the JVM's own, and those of idle pools

  private Optional<Distribution> daemon = Optional.empty();
  private int port;
  private Optional<Footprint> before = Optional.empty();

  /** Starts the daemon that is watched; the caller closes it. */
  public Distribution start(Path folder) throws IOException {
    port = Collector.freePort();
    Distribution started =
        Distribution.start(
            folder, Map.of("KILN_WARM_UP", "off"), "--debugaddr", "127.0.0.1:" + port);
    daemon = Optional.of(started);
    return started;
  }

  /** What the daemon holds now. */
  public Footprint now() throws IOException, InterruptedException {
    return Footprint.of(daemon.orElseThrow(), port);
  }

  /** What it held before the test. */
  public Footprint before() {
    return before.orElseThrow();
  }

  @Override
  public void beforeEach(ExtensionContext context) throws Exception {
    before = Optional.of(now());
  }

  @Override
  public void afterEach(ExtensionContext context) throws Exception {
    Clients.eventually(
        PATIENCE,
        () -> {
          Footprint now = now();
          return now.isIdle()
              && now.descriptors() <= before().descriptors() + DESCRIPTOR_SLACK
              && now.threads() <= before().threads() + THREAD_SLACK;
        },
        this::state);
  }

  private Object state() {
    try {
      return now() + " after " + before();
    } catch (IOException | InterruptedException e) {
      return e;
    }
  }
}
