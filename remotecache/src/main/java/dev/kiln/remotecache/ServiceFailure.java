package dev.kiln.remotecache;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.net.UnknownHostException;
import java.nio.channels.UnresolvedAddressException;

/** Says why a call to a service failed, as Go's clients say it where users know that. Stateless. */
final class ServiceFailure {
  private ServiceFailure() {}

  /**
   * @param host that was asked
   */
  static BuildException of(String service, String host, RuntimeException e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof UnknownHostException || cause instanceof UnresolvedAddressException) {
        return new BuildException(
            Kind.UNAVAILABLE,
            "request to " + service + " failed: dial tcp: lookup " + host + ": no such host",
            e);
      }
    }
    return new BuildException(
        Kind.UNKNOWN, "request to " + service + " failed: " + e.getMessage(), e);
  }

  /** Whether the call ended because its thread was interrupted. */
  static boolean isInterrupt(RuntimeException e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof InterruptedException) {
        return true;
      }
    }
    return Thread.currentThread().isInterrupted();
  }

  static InterruptedException interrupted(RuntimeException e) {
    Thread.interrupted(); // the exception says it from here on
    var interrupted = new InterruptedException("a call to a service was interrupted");
    interrupted.initCause(e);
    return interrupted;
  }
}
