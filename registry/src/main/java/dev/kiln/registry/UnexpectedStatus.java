package dev.kiln.registry;

import java.io.IOException;
import java.net.URI;

/** A registry answered with a status that ends the request. Immutable. */
final class UnexpectedStatus extends IOException {
  private static final long serialVersionUID = 1L;
  private final int status;

  /**
   * @param serverMessage the registry's own error list as one text, or empty
   */
  UnexpectedStatus(String method, URI uri, int status, String serverMessage) {
    super(
        "unexpected status from "
            + method
            + " request to "
            + uri
            + ": "
            + Reasons.line(status)
            + (serverMessage.isEmpty() ? "" : " - Server message: " + serverMessage));
    this.status = status;
  }

  int status() {
    return status;
  }
}
