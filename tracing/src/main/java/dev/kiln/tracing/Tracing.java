package dev.kiln.tracing;

import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The daemon's OpenTelemetry: made once at the start from the standard {@code OTEL_*} variables,
 * closed at the end. Without an exporter spans are still made, for the builds' own records ({@link
 * BuildTraces}). Any thread.
 *
 * <p>Source: OpenTelemetry specification, environment variables; BuildKit v0.22 {@code
 * util/tracing/detect} (an exporter is on when one is named or an OTLP endpoint is set; OTLP speaks
 * gRPC by default; the service is {@code buildkitd}).
 */
public final class Tracing implements AutoCloseable {
  private static final String SCOPE = "dev.kiln";
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final AttributeKey<String> SERVICE_NAME = AttributeKey.stringKey("service.name");
  private static final List<String> ASKS_FOR_EXPORT =
      List.of(
          "OTEL_TRACES_EXPORTER",
          "OTEL_EXPORTER_OTLP_ENDPOINT",
          "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");

  private final OpenTelemetrySdk sdk;
  private final Optional<SpanExporter> exporter;
  private final BuildTraces builds;
  private final Duration patience;
  private final Set<CompletableResultCode> forwarding = ConcurrentHashMap.newKeySet();

  Tracing(OpenTelemetrySdk sdk, Optional<SpanExporter> exporter, BuildTraces builds) {
    this(sdk, exporter, builds, PATIENCE);
  }

  /**
   * @param patience what a collector that does not answer may delay the end by
   */
  Tracing(
      OpenTelemetrySdk sdk,
      Optional<SpanExporter> exporter,
      BuildTraces builds,
      Duration patience) {
    this.sdk = sdk;
    this.exporter = exporter;
    this.builds = builds;
    this.patience = patience;
  }

  /**
   * Reads the variables in {@code environment}; who calls this closes the result.
   *
   * @throws IllegalArgumentException where spans cannot be exported as the variables say; its
   *     message names them and holds no credentials
   */
  public static Tracing start(Map<String, String> environment) {
    var builds = new BuildTraces();
    if (ASKS_FOR_EXPORT.stream().noneMatch(name -> !environment.getOrDefault(name, "").isEmpty())) {
      // The plain way: the automatic configuration would cost a tenth of a second at every start.
      var provider =
          SdkTracerProvider.builder()
              .setResource(
                  Resource.getDefault().toBuilder()
                      .put(SERVICE_NAME, environment.getOrDefault("OTEL_SERVICE_NAME", "buildkitd"))
                      .build())
              .addSpanProcessor(builds)
              .build();
      var sdk =
          OpenTelemetrySdk.builder()
              .setTracerProvider(provider)
              .setPropagators(ContextPropagators.create(W3CTraceContextPropagator.getInstance()))
              .build();
      return new Tracing(sdk, Optional.empty(), builds);
    }
    boolean disabled = "true".equalsIgnoreCase(environment.get("OTEL_SDK_DISABLED"));
    if (!disabled) {
      ExportSettings.check(environment);
    }
    try {
      return exporting(builds);
    } catch (RuntimeException e) {
      throw new IllegalArgumentException(
          "the OTEL_* variables cannot be followed: " + ExportSettings.redacted(e, environment), e);
    }
  }

  private static Tracing exporting(BuildTraces builds) {
    var exporter = new AtomicReference<SpanExporter>();
    var sdk =
        AutoConfiguredOpenTelemetrySdk.builder()
            .disableShutdownHook()
            .addPropertiesSupplier(() ->
                Map.of(
                    "otel.service.name", "buildkitd",
                    "otel.metrics.exporter", "none",
                    "otel.logs.exporter", "none",
                    "otel.traces.sampler", "always_on",
                    "otel.exporter.otlp.protocol", "grpc"))
            .addPropertiesCustomizer(
                config -> Map.of("otel.metrics.exporter", "none", "otel.logs.exporter", "none"))
            .addSpanExporterCustomizer((made, config) -> {
              var redacting = RedactedSpan.exporter(made);
              exporter.set(redacting);
              return redacting;
            })
            .addTracerProviderCustomizer((provider, config) -> provider.addSpanProcessor(builds))
            .build()
            .getOpenTelemetrySdk();
    return new Tracing(sdk, Optional.ofNullable(exporter.get()), builds);
  }

  public OpenTelemetry openTelemetry() {
    return sdk;
  }

  public Tracer tracer() {
    return sdk.getTracer(SCOPE);
  }

  /** The spans of builds under way. */
  public BuildTraces builds() {
    return builds;
  }

  /**
   * Sends spans that a client made itself on to the exporter, where there is one, and to the builds
   * they belong to.
   */
  public void forward(Collection<SpanData> spans) {
    builds.add(spans);
    exporter.ifPresent(to -> {
      CompletableResultCode sent = to.export(spans);
      forwarding.add(sent);
      sent.whenComplete(() -> forwarding.remove(sent));
    });
  }

  /** Sends what is still under way and then what is queued, for at most 5 seconds in all. */
  @Override
  public void close() {
    long end = System.nanoTime() + patience.toNanos();
    // The exporter drops what it is sending when it is shut down.
    join(CompletableResultCode.ofAll(List.copyOf(forwarding)), end);
    join(sdk.getSdkTracerProvider().shutdown(), end);
  }

  private static void join(CompletableResultCode sent, long end) {
    sent.join(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS);
  }
}
