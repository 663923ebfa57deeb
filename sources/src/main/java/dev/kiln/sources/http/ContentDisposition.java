package dev.kiln.sources.http;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import java.net.URLDecoder;
import java.nio.charset.Charset;
import java.util.Locale;
import java.util.Optional;

/**
 * The {@code filename} of a Content-Disposition header (RFC 6266, with RFC 8187's encoded form).
 */
final class ContentDisposition {
  private static final Pattern PARAMETER =
      Pattern.compile(
          ";\\s*([\\w!#$%&'*+.^`|~-]+)\\s*=\\s*(\"((?:\\\\.|[^\"\\\\])*)\"|[^;\\s]*)\\s*");
  private static final Pattern ESCAPED = Pattern.compile("\\\\(.)");
  private static final Pattern TYPE = Pattern.compile("\\s*[\\w!#$%&'*+.^`|~-]+\\s*");

  private ContentDisposition() {}

  static Optional<String> filename(String header) {
    Matcher type = TYPE.matcher(header);
    if (!type.lookingAt()) {
      return Optional.empty();
    }
    Optional<String> plain = Optional.empty();
    Optional<String> encoded = Optional.empty();
    Matcher m = PARAMETER.matcher(header);
    int at = type.end();
    while (at < header.length() && m.find(at) && m.start() == at) {
      at = m.end();
      String value = m.group(3) != null ? ESCAPED.matcher(m.group(3)).replaceAll("$1") : m.group(2);
      switch (m.group(1).toLowerCase(Locale.ROOT)) {
        case "filename" -> plain = Optional.of(value);
        case "filename*" -> encoded = decode(value);
        default -> {}
      }
    }
    return plain.isPresent() ? plain : encoded;
  }

  private static Optional<String> decode(String value) {
    String[] parts = value.split("'", 3);
    try {
      return parts.length == 3
          ? Optional.of(URLDecoder.decode(parts[2].replace("+", "%2B"), Charset.forName(parts[0])))
          : Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.empty(); // an encoding that nobody knows
    }
  }
}
