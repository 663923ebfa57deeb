package dev.kiln.registry;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;

/** A registry answered with a status that ends the request. Immutable. */
final class UnexpectedStatus extends IOException {
  private static final long serialVersionUID = 1L;
  private final int status;
  private final transient Optional<Duration> retryAfter;

  private UnexpectedStatus(
      String method, URI uri, int status, Optional<Duration> retryAfter, String serverMessage) {
    this(
        "unexpected status from "
            + method
            + " request to "
            + Locations.shown(uri)
            + ": "
            + Reasons.line(status)
            + (serverMessage.isEmpty() ? "" : " - Server message: " + serverMessage),
        status,
        retryAfter);
  }

  private UnexpectedStatus(String message, int status, Optional<Duration> retryAfter) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /**
   * What {@code response} is; its body was read.
   *
   * @param serverMessage the registry's own error list as one text, or empty
   */
  static UnexpectedStatus of(HttpResponse<?> response, String serverMessage, Clock clock) {
    return new UnexpectedStatus(
        response.request().method(),
        response.request().uri(),
        response.statusCode(),
        RetryAfter.of(response.headers(), clock),
        Locations.shown(serverMessage));
  }

  int status() {
    return status;
  }

  Optional<Duration> retryAfter() {
    return retryAfter;
  }

  /** The same seen from further out: {@code context + ": " + message}. */
  UnexpectedStatus wrap(String context) {
    return copy(context + ": " + getMessage());
  }

  /** The same with more to say. */
  UnexpectedStatus and(String more) {
    return copy(getMessage() + " (" + more + ")");
  }

  private UnexpectedStatus copy(String message) {
    var copy = new UnexpectedStatus(message, status, retryAfter);
    copy.initCause(this);
    return copy;
  }
}
