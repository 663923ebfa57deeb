package dev.kiln.daemon;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.encoder.EncoderBase;
import ch.qos.logback.core.spi.ContextAwareBase;
import dev.kiln.model.GoJson;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import org.slf4j.LoggerFactory;

/**
 * The daemon's log on standard error, in the two forms that BuildKit's has: {@code time=… level=…
 * msg=…}, or one JSON object a line. Logback finds this class as a service and so looks for no
 * files, which keeps the start short.
 */
public final class DaemonLog extends ContextAwareBase implements Configurator {
  /** grpc-java logs to the JDK. Held: a logger nobody holds is made anew, with its old level. */
  private static final java.util.logging.Logger GRPC =
      java.util.logging.Logger.getLogger("io.grpc");

  /** Made by logback. */
  public DaemonLog() {}

  @Override
  public ExecutionStatus configure(LoggerContext context) {
    var lines = new Lines();
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
    context.putObject(Lines.class.getName(), lines);
    // Libraries' own debugging is not for users.
    for (String library : new String[] {"akka", "io.netty", "io.grpc", "io.opentelemetry"}) {
      context.getLogger(library).setLevel(Level.WARN);
    }
    // grpc-java sets options that unix sockets lack, and netty would say so each time.
    context.getLogger("io.netty.bootstrap").setLevel(Level.ERROR);
    GRPC.setLevel(java.util.logging.Level.SEVERE); // else each failed handshake is a stack trace
    return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
  }

  /**
   * Takes the configuration over.
   *
   * @param level trace, debug, info, warn or error
   * @param format text or json
   */
  static void set(String level, String format) {
    var context = (LoggerContext) LoggerFactory.getILoggerFactory();
    context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME).setLevel(Level.toLevel(level));
    if (context.getObject(Lines.class.getName()) instanceof Lines lines) {
      lines.json = format.equals("json");
    }
  }

  private static final class Lines extends EncoderBase<ILoggingEvent> {
    private volatile boolean json;

    @Override
    public byte[] headerBytes() {
      return new byte[0];
    }

    @Override
    public byte[] footerBytes() {
      return new byte[0];
    }

    @Override
    public byte[] encode(ILoggingEvent event) {
      String time =
          DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(
              Instant.ofEpochMilli(event.getTimeStamp())
                  .truncatedTo(ChronoUnit.SECONDS)
                  .atOffset(ZoneOffset.UTC));
      String level =
          event.getLevel().equals(Level.WARN)
              ? "warning"
              : event.getLevel().toString().toLowerCase(Locale.ROOT);
      String message = event.getFormattedMessage();
      IThrowableProxy failure = event.getThrowableProxy();
      String text;
      if (json) {
        var object = GoJson.object();
        if (failure != null) {
          object.text("error", ThrowableProxyUtil.asString(failure));
        }
        text = object.text("level", level).text("msg", message).text("time", time) + "\n";
      } else {
        text =
            "time="
                + GoJson.quote(time)
                + " level="
                + level
                + " msg="
                + GoJson.quote(message)
                + "\n"
                + (failure == null ? "" : ThrowableProxyUtil.asString(failure));
      }
      return text.getBytes(StandardCharsets.UTF_8);
    }
  }
}
