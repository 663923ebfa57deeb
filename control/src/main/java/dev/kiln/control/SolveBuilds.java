package dev.kiln.control;

import dev.kiln.actors.Job;
import dev.kiln.actors.JobSpec;
import dev.kiln.actors.SolvedEdge;
import dev.kiln.actors.Solver;
import dev.kiln.control.history.BuildHistory;
import dev.kiln.control.history.ProvenanceOptions;
import dev.kiln.dockerfile.context.AskedAttestations;
import dev.kiln.exec.usage.Sampling;
import dev.kiln.exporters.ExportResult;
import dev.kiln.exporters.ExportSource;
import dev.kiln.exporters.Exporter;
import dev.kiln.exporters.Exporters;
import dev.kiln.exporters.Parallel;
import dev.kiln.gateway.BridgeRef;
import dev.kiln.gateway.Bridges;
import dev.kiln.gateway.BuildBridge;
import dev.kiln.gateway.Containers;
import dev.kiln.gateway.LlbBridge;
import dev.kiln.gateway.RefFiles;
import dev.kiln.grpc.GrpcErrors;
import dev.kiln.grpc.control.BuildHistoryRecord;
import dev.kiln.grpc.control.SolveRequest;
import dev.kiln.grpc.control.SolveResponse;
import dev.kiln.grpc.types.WorkerRecord;
import dev.kiln.llb.BuildInfo;
import dev.kiln.llb.BuildRules;
import dev.kiln.llb.Caps;
import dev.kiln.llb.DeviceRights;
import dev.kiln.llb.Frontend;
import dev.kiln.llb.FrontendAttestation;
import dev.kiln.llb.FrontendRef;
import dev.kiln.llb.FrontendResult;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import dev.kiln.model.Progress;
import dev.kiln.mounts.CacheMounts;
import dev.kiln.ops.Materials;
import dev.kiln.ops.StoreLeases;
import dev.kiln.ops.exec.StepUsages;
import dev.kiln.remotecache.BuildCaches;
import dev.kiln.remotecache.CacheExport;
import dev.kiln.remotecache.RemoteCaches;
import dev.kiln.session.ClientSession;
import dev.kiln.session.SessionExporters;
import dev.kiln.session.Sessions;
import dev.kiln.sources.SourcePolicy;
import dev.kiln.sources.Sources;
import dev.kiln.store.Lease;
import dev.kiln.store.RefId;
import dev.kiln.store.Store;
import dev.kiln.tracing.Tracing;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.Context;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import org.slf4j.Logger;

/**
 * Runs a build from its request to its answer: opens the job, gets a result from a definition, a
 * frontend or the client's own frontend, has it exported, and records how it went. Any thread; one
 * call a build, on the caller's thread.
 */
public final class SolveBuilds implements Builds {
  private static final Duration WAIT_FOR_SESSION = Duration.ofSeconds(5);

  private final Parts parts;

  public SolveBuilds(Parts parts) {
    this.parts = parts;
  }

  /**
   * What builds are made with.
   *
   * @param frontends those that are enabled, by name
   * @param platforms what the worker runs, its default first
   * @param allowed entitlements that may be granted
   * @param containers makes the containers of one build's frontend
   * @param afterBuild told after each build, for a collection
   * @param log where each build's end is told
   */
  public record Parts(
      Solver solver,
      Store store,
      Sources sources,
      Materials materials,
      StepUsages usages,
      Sessions sessions,
      Exporters exporters,
      RemoteCaches caches,
      Map<String, Frontend> frontends,
      RefFiles files,
      Bridges bridges,
      BiFunction<Job, BuildRequestScope, Containers> containers,
      BuildHistory history,
      Tracing tracing,
      List<Platform> platforms,
      Supplier<List<WorkerRecord>> workers,
      List<String> allowed,
      DeviceRights.Registry devices,
      Runnable afterBuild,
      Logger log,
      Clock clock) {
    public Parts {
      frontends = Map.copyOf(frontends);
      platforms = List.copyOf(platforms);
      allowed = List.copyOf(allowed);
    }
  }

  /** What a build's containers may do. */
  public record BuildRequestScope(String sessionId, dev.kiln.llb.Entitlements entitlements) {}

  @Override
  public SolveResponse solve(SolveRequest in, Context caller) throws InterruptedException {
    var line = new BuildLine(in);
    try {
      SolveResponse response = solve(in, caller, line);
      line.say(parts.log(), Optional.empty());
      return response;
    } catch (InterruptedException | RuntimeException | Error e) {
      line.say(parts.log(), Optional.of(e));
      throw e;
    }
  }

  private SolveResponse solve(SolveRequest in, Context caller, BuildLine line)
      throws InterruptedException {
    BuildRequest request = BuildRequest.of(in, parts.allowed(), parts.devices());
    List<CacheExport> cacheExports =
        request.cacheExports().stream()
            .map(cache -> parts.caches().export(cache, request.sessionId()))
            .toList();
    var asked = AskedAttestations.parse(request.frontendAttrs());
    Optional<ProvenanceOptions> provenance = asked.provenance().map(ProvenanceOptions::parse);
    List<Exporter> exporters = new ArrayList<>();
    for (BuildRequest.Export export : request.exports()) {
      exporters.add(parts.exporters().resolve(export.type(), exporters.size(), export.attrs()));
    }
    Span span = span(caller);
    var recording = parts.tracing().builds().record(span.getSpanContext().getTraceId());
    Job job;
    try {
      job =
          parts
              .solver()
              .open(
                  new JobSpec(
                      request.ref(),
                      request.sessionId(),
                      new BuildRules(request.entitlements(), request.policies()),
                      caller.with(span)));
    } catch (BuildException e) {
      recording.close();
      span.end();
      throw e;
    }
    Instant begun = parts.clock().instant();
    var record = new BuildRecord(request, parts.clock());
    try (Job _ = job; // closed below, and here whatever fails before
        Lease lease = parts.store().leases().open("exports-" + request.ref());
        Sampling system = Sampling.ofSystem()) {
      if (!request.internal()) {
        parts.history().started(record.started());
      }
      Optional<BuildException> failure = Optional.empty();
      Optional<Provenances.Built> built = Optional.empty();
      Exported exported = Exported.NOTHING;
      try {
        var caches =
            new BuildCaches(parts.caches(), job, parts.solver().localCache(), cacheExports, lease);
        BuildBridge bridge = bridge(job, request, caches);
        line.begun(bridge.log());
        built =
            Optional.of(
                build(job, request, bridge, exporters, caches, asked.sbom(), begun, system));
        exported = export(job, request, built.get(), caches, provenance, lease);
        parts.store().refs().flush();
      } catch (BuildException e) {
        failure = Optional.of(e);
      } catch (InterruptedException e) {
        failure = Optional.of(new BuildException(Kind.CANCELED, "context canceled", e));
      } catch (RuntimeException | Error e) {
        failure = Optional.of(BuildException.of(e));
      }
      failure.ifPresent(e -> span.setStatus(StatusCode.ERROR, e.getMessage()));
      job.close();
      span.end();
      if (request.internal()) {
        recording.close();
      } else {
        var trace = TraceLog.of(recording, parts.store().content());
        BuildHistoryRecord written;
        try {
          Exported made = exported;
          Optional<Provenances.Built> of =
              failure.isEmpty() ? built : built.map(Provenances.Built::unexported);
          Optional<BuildException> why = failure.map(GrpcErrors::ofBuild);
          written =
              RecordWriting.DEFAULT.write(() ->
                  record.ended(
                      job,
                      made.results(),
                      made.response(),
                      recorded(of, provenance, lease),
                      why,
                      parts.store().content()));
        } catch (BuildException | InterruptedException e) {
          failure = failure.or(() -> Optional.of(BuildException.of(e)));
          written = record.failed(failure.get());
        }
        line.recorded(written);
        parts.history().completed(written, trace);
      }
      if (failure.isPresent()) {
        throw GrpcErrors.ofBuild(failure.get());
      }
      return SolveResponse.newBuilder().putAllExporterResponse(exported.response()).build();
    } finally {
      parts.afterBuild().run();
    }
  }

  /** The call's own span where its caller traces; else the first one of a new trace. */
  private Span span(Context caller) {
    Span ofCall = Span.fromContext(caller);
    boolean ours = ofCall.getSpanContext().isValid() && !ofCall.getSpanContext().isRemote();
    return ours
        ? ofCall
        : parts
            .tracing()
            .tracer()
            .spanBuilder("moby.buildkit.v1.Control/Solve")
            .setParent(caller)
            .startSpan();
  }

  /** What exporters made of a build. */
  private record Exported(List<ExportResult> results, TreeMap<String, String> response) {
    static final Exported NOTHING = new Exported(List.of(), new TreeMap<>());
  }

  private Provenances.Built build(
      Job job,
      BuildRequest request,
      BuildBridge bridge,
      List<Exporter> exporters,
      BuildCaches caches,
      Optional<AskedAttestations.SbomScanner> scanner,
      Instant begun,
      Sampling system)
      throws InterruptedException {
    FrontendResult result = result(job, request, bridge, exporters);
    if (scanner.isPresent()) {
      result =
          Sboms.scanned(
              result, scanner.get(), request.frontendAttrs(), bridge(job, request, caches));
      evaluate(result);
    }
    return new Provenances.Built(request.ref(), begun, result, bridge.log(), exporters, system);
  }

  private Exported export(
      Job job,
      BuildRequest request,
      Provenances.Built built,
      BuildCaches caches,
      Optional<ProvenanceOptions> provenance,
      Lease lease)
      throws InterruptedException {
    ExportSource source = source(built.result());
    verify(job, source, Optional.ofNullable(request.frontendAttrs().get("platform")));
    if (provenance.isPresent()) {
      source = provenances().attach(source, provenance.get(), built, lease);
    }
    Map<String, SolvedEdge> edges = edges(built.result());
    List<ExportResult> results =
        Exports.run(
            job,
            built.exporters(),
            source,
            lease,
            (exporter, progress) -> caches.inline(edges, exporter.compression(), progress));
    Map<String, String> written = caches.export(edges.values());
    var response = new TreeMap<String, String>();
    built
        .result()
        .metadata()
        .forEach((key, value) -> {
          if (key.startsWith("frontend.")) {
            response.put(key, new String(value, StandardCharsets.UTF_8));
          }
        });
    results.forEach(one -> response.putAll(one.response()));
    response.putAll(written);
    return new Exported(results, response);
  }

  private Provenances provenances() {
    return new Provenances(
        parts.store().refs(),
        parts.solver().localCache(),
        parts.materials(),
        parts.usages(),
        parts.clock());
  }

  /** How the build was made, for its record; nothing where it came to no result. */
  private Map<String, Provenances.Told> recorded(
      Optional<Provenances.Built> built, Optional<ProvenanceOptions> attached, Lease lease)
      throws InterruptedException {
    String builderId = attached.map(ProvenanceOptions::builderId).orElse("");
    return built.isEmpty() ? Map.of() : provenances().forRecord(built.get(), builderId, lease);
  }

  /** Tells the user where a result is for other platforms than asked for. */
  private static void verify(Job job, ExportSource source, Optional<String> platforms)
      throws InterruptedException {
    List<String> warnings = PlatformCheck.warnings(source, platforms);
    if (!warnings.isEmpty()) {
      String id = "verify-" + job.id();
      job.step(
          id,
          "Verifying build result",
          progress -> {
            warnings.forEach(text ->
                progress.warn(
                    new Progress.Warning(
                        Digest.of(id), 0, text, List.of(), "", Optional.empty(), List.of())));
            return true;
          });
    }
  }

  /**
   * The built result. While it is made, and while a client chooses exporters for it, the client can
   * reach the build's bridge through the listeners.
   *
   * @param exporters those that the client adds are added here
   */
  private FrontendResult result(
      Job job, BuildRequest request, BuildBridge bridge, List<Exporter> exporters)
      throws InterruptedException {
    boolean reachable = request.clientFrontend() || request.sessionExporters();
    try (Containers containers =
        parts
            .containers()
            .apply(job, new BuildRequestScope(request.sessionId(), request.entitlements()))) {
      var wire = new LlbBridge(bridge, parts.workers(), containers);
      if (reachable) {
        parts.bridges().add(request.ref(), wire);
      }
      try {
        FrontendResult result =
            request.clientFrontend()
                ? ofClient(wire)
                : bridge.solve(
                    new dev.kiln.llb.SolveRequest(
                        request.definition().filter(d -> request.frontend().isEmpty()),
                        request.frontend(),
                        request.frontendAttrs(),
                        request.frontendInputs(),
                        request.cacheImports(),
                        false,
                        List.of()));
        evaluate(result);
        if (request.sessionExporters()) {
          addClientsExporters(request.sessionId(), result, wire, exporters);
        }
        return result;
      } finally {
        if (reachable) {
          parts.bridges().remove(request.ref());
        }
      }
    }
  }

  /** Waits for what the client's own frontend returns. */
  private static FrontendResult ofClient(LlbBridge wire) throws InterruptedException {
    try {
      return wire.answer().toCompletableFuture().get();
    } catch (ExecutionException e) {
      throw GrpcErrors.toBuild(e);
    }
  }

  /** The client names more exporters once it can see the result (features SR-15). */
  private void addClientsExporters(
      String sessionId, FrontendResult result, LlbBridge wire, List<Exporter> exporters)
      throws InterruptedException {
    ClientSession session = parts.sessions().get(sessionId, WAIT_FOR_SESSION);
    for (SessionExporters.Requested more :
        SessionExporters.find(session, result.metadata(), wire.ids(result))) {
      exporters.add(parts.exporters().resolve(more.type(), exporters.size(), more.attributes()));
    }
  }

  private BuildBridge bridge(Job job, BuildRequest request, BuildCaches caches) {
    return new BuildBridge(
        new BuildBridge.Build(
            (graph, imports) -> {
              CacheMounts.forgetIgnored(graph, parts.store().refs());
              return job.solve(graph, caches.open(imports)).await();
            },
            new BuildInfo(
                request.sessionId(),
                parts.platforms(),
                Caps.LLB,
                Caps.FRONTEND,
                "kiln",
                parts.workers().get().stream().map(WorkerRecord::getID).toList()),
            parts.frontends(),
            new JobSources(job, parts.sources()),
            parts.files(),
            request.policies(),
            SourcePolicy::rewrite,
            request.entitlements(),
            job::warn,
            request.frontendInputs()));
  }

  private static void evaluate(FrontendResult result) throws InterruptedException {
    var works = new ArrayList<Callable<Boolean>>();
    for (FrontendRef ref : all(result)) {
      works.add(() -> {
        ref.evaluate();
        return true;
      });
    }
    if (works.size() == 1) {
      all(result).getFirst().evaluate();
    } else {
      Parallel.run("evaluate", works);
    }
  }

  private static List<FrontendRef> all(FrontendResult result) {
    var all = new ArrayList<FrontendRef>();
    result.ref().ifPresent(all::add);
    result.refs().values().forEach(ref -> ref.ifPresent(all::add));
    result
        .attestations()
        .values()
        .forEach(list -> list.forEach(attested -> attested.ref().ifPresent(all::add)));
    return all;
  }

  private static ExportSource source(FrontendResult result) throws InterruptedException {
    var refs = new TreeMap<String, Optional<RefId>>();
    for (var entry : result.refs().entrySet()) {
      refs.put(entry.getKey(), state(entry.getValue()));
    }
    var attestations = new HashMap<String, List<ExportSource.Statement>>();
    for (var entry : result.attestations().entrySet()) {
      var statements = new ArrayList<ExportSource.Statement>();
      for (FrontendAttestation attested : entry.getValue()) {
        statements.add(new ExportSource.Statement(attested.statement(), state(attested.ref())));
      }
      attestations.put(entry.getKey(), List.copyOf(statements));
    }
    return new ExportSource(state(result.ref()), refs, result.metadata(), attestations);
  }

  /** The built edges of a result by platform; a single one has no name. */
  private static Map<String, SolvedEdge> edges(FrontendResult result) throws InterruptedException {
    var edges = new TreeMap<String, SolvedEdge>();
    if (result.ref().isPresent()) {
      edges.put("", bridged(result.ref().get()).solve());
    }
    for (var entry : result.refs().entrySet()) {
      if (entry.getValue().isPresent()) {
        edges.put(entry.getKey(), bridged(entry.getValue().get()).solve());
      }
    }
    return edges;
  }

  private static BridgeRef bridged(FrontendRef ref) {
    return switch (ref) {
      case BridgeRef bridged -> bridged;
      default -> throw new IllegalStateException("a ref that no bridge made: " + ref);
    };
  }

  private static Optional<RefId> state(Optional<FrontendRef> ref) throws InterruptedException {
    if (ref.isEmpty()) {
      return Optional.empty();
    }
    return StoreLeases.ref(bridged(ref.get()).solve().result());
  }
}
