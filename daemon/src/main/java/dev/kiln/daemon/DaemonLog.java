package dev.kiln.daemon;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.spi.ContextAwareBase;
import org.slf4j.LoggerFactory;

/**
 * The daemon's log on standard error, in the form of {@link LogLines}: what the daemon, its
 * libraries and the JDK log. Logback finds this class as a service and so looks for no files, which
 * keeps the start short.
 */
public final class DaemonLog extends ContextAwareBase implements Configurator {
  /** grpc-java logs to the JDK. Held: a logger nobody holds is made anew, with its old level. */
  private static final java.util.logging.Logger GRPC =
      java.util.logging.Logger.getLogger("io.grpc");

  /** Made by logback. */
  public DaemonLog() {}

  @Override
  public ExecutionStatus configure(LoggerContext context) {
    var lines = new LogLines();
    lines.setContext(context);
    lines.start();
    var console = new ConsoleAppender<ILoggingEvent>();
    console.setContext(context);
    console.setTarget("System.err");
    console.setEncoder(lines);
    console.start();
    Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    root.setLevel(Level.INFO);
    root.addAppender(console);
    context.putObject(LogLines.class.getName(), lines);
    // Libraries' own debugging is not for users.
    for (String library : new String[] {"akka", "io.netty", "io.grpc", "io.opentelemetry"}) {
      context.getLogger(library).setLevel(Level.WARN);
    }
    // grpc-java sets options that unix sockets lack, and netty would say so each time.
    context.getLogger("io.netty.bootstrap").setLevel(Level.ERROR);
    GRPC.setLevel(java.util.logging.Level.SEVERE); // else each failed handshake is a stack trace
    JdkLog.install();
    return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
  }

  /**
   * Takes the configuration over, and the last words of threads that fail.
   *
   * @param level trace, debug, info, warn or error
   * @param format text or json
   */
  static void set(String level, String format) {
    var context = (LoggerContext) LoggerFactory.getILoggerFactory();
    context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME).setLevel(Level.toLevel(level));
    if (context.getObject(LogLines.class.getName()) instanceof LogLines lines) {
      lines.useJson(format.equals("json"));
    }
    Thread.setDefaultUncaughtExceptionHandler((thread, failure) ->
        context.getLogger(DaemonLog.class).error("thread {} ended", thread.getName(), failure));
  }
}
