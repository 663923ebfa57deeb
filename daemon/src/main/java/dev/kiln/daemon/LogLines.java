package dev.kiln.daemon;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.encoder.EncoderBase;
import dev.kiln.model.GoJson;
import dev.kiln.tracing.Redaction;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.KeyValuePair;

/**
 * One line for each event, whatever it carries: {@code time=… level=… msg=… key=value}, or a JSON
 * object with its keys in order; the two forms of BuildKit's log. Whole numbers are numbers there.
 * A stack is the value of {@code error}. Credentials of URLs are masked, whoever logs them. Any
 * thread.
 */
final class LogLines extends EncoderBase<ILoggingEvent> {
  private volatile boolean json;

  /** Which of the forms the next lines have. */
  void useJson(boolean use) {
    json = use;
  }

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
    return (json ? object(event) : text(event)).getBytes(StandardCharsets.UTF_8);
  }

  private static String text(ILoggingEvent event) {
    var line = new StringBuilder();
    line.append("time=").append(GoJson.quote(time(event)));
    line.append(" level=").append(level(event));
    line.append(" msg=").append(GoJson.quote(message(event)));
    fields(event)
        .forEach((key, value) -> {
          String text = value.toString();
          line.append(' ').append(key).append('=');
          line.append(isBare(text) ? text : GoJson.quote(text));
        });
    return line.append('\n').toString();
  }

  /** Whether a value is read as one without quotes. */
  private static boolean isBare(String value) {
    return !value.isEmpty() && value.chars().allMatch(LogLines::isBare);
  }

  private static boolean isBare(int c) {
    return c < 128 && Character.isLetterOrDigit(c) || "._/@^+:-".indexOf(c) >= 0;
  }

  private static String object(ILoggingEvent event) {
    Map<String, Object> fields = fields(event);
    fields.put("level", level(event));
    fields.put("msg", message(event));
    fields.put("time", time(event));
    var object = GoJson.object();
    fields.forEach((key, value) -> {
      switch (value) {
        case Integer number -> object.number(key, number);
        case Long number -> object.number(key, number);
        default -> object.text(key, value.toString());
      }
    });
    return object + "\n";
  }

  private static String message(ILoggingEvent event) {
    return masked(event.getFormattedMessage());
  }

  /** What an event carries beside its message: whole numbers, and text of anything else. */
  private static Map<String, Object> fields(ILoggingEvent event) {
    var fields = new TreeMap<String, Object>();
    List<KeyValuePair> pairs = event.getKeyValuePairs();
    if (pairs != null) {
      for (KeyValuePair pair : pairs) {
        boolean whole = pair.value instanceof Integer || pair.value instanceof Long;
        fields.put(pair.key, whole ? pair.value : masked(pair.value));
      }
    }
    IThrowableProxy failure = event.getThrowableProxy();
    if (failure != null) {
      fields.put("error", masked(ThrowableProxyUtil.asString(failure).strip()));
    }
    return fields;
  }

  private static String masked(@Nullable Object said) {
    return Redaction.forOperators(String.valueOf(said));
  }

  private static String time(ILoggingEvent event) {
    return DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(
        Instant.ofEpochMilli(event.getTimeStamp())
            .truncatedTo(ChronoUnit.SECONDS)
            .atOffset(ZoneOffset.UTC));
  }

  private static String level(ILoggingEvent event) {
    return event.getLevel().equals(Level.WARN)
        ? "warning"
        : event.getLevel().toString().toLowerCase(Locale.ROOT);
  }
}
