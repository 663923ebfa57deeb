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
import org.slf4j.event.KeyValuePair;

/**
 * One line for each event, whatever it carries: {@code time=… level=… msg=… key=value}, or a JSON
 * object with its keys in order; the two forms of BuildKit's log. A stack is the value of {@code
 * error}. Credentials of URLs are masked, whoever logs them. Any thread.
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
        .forEach((key, value) ->
            line.append(' ')
                .append(key)
                .append('=')
                .append(isBare(value) ? value : GoJson.quote(value)));
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
    Map<String, String> fields = fields(event);
    fields.put("level", level(event));
    fields.put("msg", message(event));
    fields.put("time", time(event));
    return GoJson.map(fields) + "\n";
  }

  private static String message(ILoggingEvent event) {
    return Redaction.forOperators(String.valueOf(event.getFormattedMessage()));
  }

  /** What an event carries beside its message. */
  private static Map<String, String> fields(ILoggingEvent event) {
    var fields = new TreeMap<String, String>();
    List<KeyValuePair> pairs = event.getKeyValuePairs();
    if (pairs != null) {
      pairs.forEach(pair -> fields.put(pair.key, String.valueOf(pair.value)));
    }
    IThrowableProxy failure = event.getThrowableProxy();
    if (failure != null) {
      fields.put("error", ThrowableProxyUtil.asString(failure).strip());
    }
    fields.replaceAll((_, value) -> Redaction.forOperators(value));
    return fields;
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
