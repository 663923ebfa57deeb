package dev.kiln.daemon;

import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.slf4j.LoggerFactory;

/** Hands what the JDK's loggers say, grpc-java's among them, to the daemon's log. */
final class JdkLog extends Handler {
  private JdkLog() {}

  /** Takes the place of all handlers that the JDK's loggers have. */
  static void install() {
    Logger root = LogManager.getLogManager().getLogger("");
    for (Handler handler : root.getHandlers()) {
      root.removeHandler(handler);
    }
    root.addHandler(new JdkLog());
  }

  @Override
  public void publish(LogRecord event) {
    String name = event.getLoggerName();
    LoggerFactory.getLogger(name == null || name.isEmpty() ? "jdk" : name)
        .atLevel(level(event.getLevel()))
        .setCause(event.getThrown())
        .log(new SimpleFormatter().formatMessage(event));
  }

  private static org.slf4j.event.Level level(Level level) {
    int value = level.intValue();
    return value >= Level.SEVERE.intValue()
        ? org.slf4j.event.Level.ERROR
        : value >= Level.WARNING.intValue()
            ? org.slf4j.event.Level.WARN
            : value >= Level.INFO.intValue()
                ? org.slf4j.event.Level.INFO
                : org.slf4j.event.Level.DEBUG;
  }

  @Override
  public void flush() {}

  @Override
  public void close() {}
}
