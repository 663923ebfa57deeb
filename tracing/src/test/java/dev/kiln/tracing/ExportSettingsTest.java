package dev.kiln.tracing;

import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExportSettingsTest {
  @ParameterizedTest
  @CsvSource({
    "OTEL_TRACES_EXPORTER, bogus, OTEL_TRACES_EXPORTER=bogus",
    "OTEL_TRACES_EXPORTER, console, OTEL_TRACES_EXPORTER=console",
    "OTEL_TRACES_EXPORTER, 'otlp,zipkin', OTEL_TRACES_EXPORTER=zipkin",
    "OTEL_EXPORTER_OTLP_PROTOCOL, http/json, OTEL_EXPORTER_OTLP_PROTOCOL=http/json",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, udp, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=udp",
    "OTEL_EXPORTER_OTLP_ENDPOINT, localhost:4317, write http://HOST:PORT",
    "OTEL_EXPORTER_OTLP_ENDPOINT, ftp://localhost, write http://HOST:PORT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, http://, write http://HOST:PORT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, http://a b, write http://HOST:PORT",
    "OTEL_EXPORTER_OTLP_HEADERS, secret, OTEL_EXPORTER_OTLP_HEADERS holds",
    "OTEL_EXPORTER_OTLP_HEADERS, 'a=b,=secret', OTEL_EXPORTER_OTLP_HEADERS holds",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS, 'a=secret€', OTEL_EXPORTER_OTLP_TRACES_HEADERS holds",
    "OTEL_EXPORTER_OTLP_ENDPOINT, ftp://me:secret@host, ftp://xxxxx:xxxxx@host is no address",
    "OTEL_EXPORTER_OTLP_ENDPOINT, me:secret@host:4317, @host:4317 is no address",
    "OTEL_EXPORTER_OTLP_ENDPOINT, ftp://host/?key=secret, write http://HOST:PORT",
  })
  void whatCannotBeFollowedIsNamedWithoutCredentials(String variable, String value, String said) {
    var environment = Map.of("OTEL_TRACES_EXPORTER", "otlp", "OTHER", "");
    var all = new java.util.HashMap<>(environment);
    all.put(variable, value);
    assertThatThrownBy(() -> Tracing.start(all))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(said)
        .hasMessageNotContaining("secret");
  }

  @ParameterizedTest
  @CsvSource({
    "OTEL_TRACES_EXPORTER, none",
    "OTEL_EXPORTER_OTLP_PROTOCOL, http/protobuf",
    "OTEL_EXPORTER_OTLP_ENDPOINT, https://collector.example:4317/path",
    "OTEL_EXPORTER_OTLP_ENDPOINT, http://[::1]:4317",
    "OTEL_EXPORTER_OTLP_HEADERS, 'authorization=Basic%20YQ==, x-a = b,'",
  })
  void whatTheStandardKnowsIsTaken(String variable, String value) {
    assertThatNoException().isThrownBy(() -> ExportSettings.check(Map.of(variable, value)));
  }
}
