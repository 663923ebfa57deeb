package dev.kiln.tracing;

import com.google.re2j.Pattern;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import java.util.Map;

/**
 * Looks through the variables that say where spans go, before anything is made from them: what the
 * SDK says of a bad one names properties that nobody has set, and may hold credentials. Stateless.
 *
 * <p>Source: OpenTelemetry specification, environment variables; BuildKit v0.22 {@code
 * util/tracing/detect} (which exporters and protocols there are).
 */
final class ExportSettings {
  private static final List<String> EXPORTERS = List.of("otlp", "none");
  private static final Pattern HEADER = Pattern.compile("[!-+\\--<>-~]+\\s*=[\\t -~]*");
  private static final List<String> PROTOCOLS = List.of("grpc", "http/protobuf");

  private ExportSettings() {}

  /**
   * @throws IllegalArgumentException naming the variable and what is accepted
   */
  static void check(Map<String, String> environment) {
    for (String name : environment.getOrDefault("OTEL_TRACES_EXPORTER", "").split(",", -1)) {
      oneOf(EXPORTERS, "OTEL_TRACES_EXPORTER", name.strip());
    }
    for (String part : List.of("OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_")) {
      oneOf(PROTOCOLS, part + "PROTOCOL", environment.getOrDefault(part + "PROTOCOL", ""));
      endpoint(part + "ENDPOINT", environment.getOrDefault(part + "ENDPOINT", ""));
      headers(part + "HEADERS", environment.getOrDefault(part + "HEADERS", ""));
    }
  }

  private static void oneOf(List<String> known, String variable, String value) {
    if (!value.isEmpty() && !known.contains(value)) {
      throw new IllegalArgumentException(
          variable + "=" + value + " is not supported: write " + String.join(" or ", known));
    }
  }

  private static void endpoint(String variable, String value) {
    if (value.isEmpty()) {
      return;
    }
    try {
      URI uri = new URI(value);
      boolean http = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
      if (http && uri.getHost() != null) {
        return;
      }
    } catch (URISyntaxException e) {
      // told below, without the value's credentials
    }
    throw new IllegalArgumentException(
        variable
            + "="
            + Redaction.forOperators(value)
            + " is no address: write http://HOST:PORT or https://HOST:PORT");
  }

  /** Values are credentials: they are not told. */
  private static void headers(String variable, String value) {
    for (String header : value.split(",", -1)) {
      if (!header.isBlank() && !HEADER.matcher(header.strip()).matches()) {
        throw new IllegalArgumentException(
            variable + " holds something else than NAME=VALUE,NAME=VALUE in ASCII");
      }
    }
  }

  /** What the SDK says of variables, without the headers. */
  static String redacted(RuntimeException failure, Map<String, String> environment) {
    Throwable cause = failure.getCause();
    String said = failure.getMessage() + (cause == null ? "" : ": " + cause.getMessage());
    for (var variable : environment.entrySet()) {
      if (variable.getKey().endsWith("_HEADERS") && !variable.getValue().isEmpty()) {
        said = said.replace(variable.getValue(), "…");
      }
    }
    return said;
  }
}
