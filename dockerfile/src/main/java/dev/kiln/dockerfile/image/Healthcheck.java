package dev.kiln.dockerfile.image;

import dev.kiln.dockerfile.text.GoText;
import java.time.Duration;
import java.util.List;

/** How a container tells that it is well; zero inherits. Immutable. */
public record Healthcheck(
    List<String> test,
    Duration interval,
    Duration timeout,
    Duration startPeriod,
    Duration startInterval,
    int retries) {
  public Healthcheck {
    test = List.copyOf(test);
  }

  /** As the history of an image shows it: {@code &{["CMD" "x"] "1s" "0s" "0s" "0s" '\x03'}}. */
  public String shown() {
    return "&{"
        + GoText.quoteList(test)
        + " "
        + quoted(interval)
        + " "
        + quoted(timeout)
        + " "
        + quoted(startPeriod)
        + " "
        + quoted(startInterval)
        + " "
        + GoText.quoteRune(retries)
        + "}";
  }

  private static String quoted(Duration duration) {
    return GoText.quote(GoText.duration(duration));
  }
}
