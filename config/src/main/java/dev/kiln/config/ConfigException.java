package dev.kiln.config;

/**
 * A configuration that cannot be used; the message names the key or flag, the value and what is
 * accepted.
 */
public final class ConfigException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ConfigException(String message) {
    super(message);
  }

  public ConfigException(String message, Throwable cause) {
    super(message, cause);
  }
}
