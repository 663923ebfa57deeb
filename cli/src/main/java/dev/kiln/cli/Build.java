package dev.kiln.cli;

import dev.kiln.cli.lend.Lent;
import dev.kiln.cli.lend.SessionServer;
import dev.kiln.cli.view.ProgressView;
import dev.kiln.grpc.GrpcErrors;
import dev.kiln.grpc.control.CacheOptions;
import dev.kiln.grpc.control.CacheOptionsEntry;
import dev.kiln.grpc.control.Exporter;
import dev.kiln.grpc.control.SolveRequest;
import dev.kiln.grpc.control.StatusRequest;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.session.SessionMetadata;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.tracing.Blocking;
import io.grpc.CallOptions;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutionException;

/** One build at a daemon: a session, a solve, and its progress. Used once, by one thread. */
final class Build {
  private static final long REST_OF_PROGRESS_SECONDS = 3; // as BuildKit v0.22 client/solve.go
  private final DaemonChannel daemon;
  private final Request request;
  private final ProgressView view;
  private final OutputStream standardOutput;

  /**
   * What to build. Immutable.
   *
   * @param attributes the frontend's
   */
  record Request(
      String frontend,
      Map<String, String> attributes,
      List<String> entitlements,
      Caches caches,
      Lent lent) {
    Request {
      attributes = Map.copyOf(attributes);
      entitlements = List.copyOf(entitlements);
    }
  }

  /**
   * @param standardOutput where an output to {@code -} goes; stays open
   */
  Build(DaemonChannel daemon, Request request, ProgressView view, OutputStream standardOutput) {
    this.daemon = daemon;
    this.request = request;
    this.view = view;
    this.standardOutput = standardOutput;
  }

  /**
   * Builds; returns the response's keys when all outputs are here.
   *
   * @throws BuildException why it could not be built
   */
  Map<String, String> run() throws IOException, InterruptedException {
    String ref = UUID.randomUUID().toString();
    var metadata = new SessionMetadata(UUID.randomUUID().toString(), "kiln", sharedKey(), Set.of());
    Stat self = Fd.CWD.statFollowing(BytePath.of("/proc/self"));
    try (var session =
        SessionServer.open(
            daemon.channel(),
            ControlMethods.SESSION,
            metadata,
            request.lent(),
            standardOutput,
            self.uid(),
            self.gid())) {
      var watching = Blocking.start("watch", () -> watch(ref));
      try {
        return ClientCalls.blockingUnaryCall(
                daemon.channel(),
                ControlMethods.SOLVE,
                CallOptions.DEFAULT,
                solve(ref, metadata.id()))
            .getExporterResponseMap();
      } catch (StatusRuntimeException e) {
        if (Thread.interrupted()) {
          throw new InterruptedException();
        }
        throw ConnectionFailure.isOne(e)
            ? ConnectionFailure.losing(daemon.address(), e)
            : GrpcErrors.toBuild(e);
      } finally {
        awaitEndOf(watching);
      }
    }
  }

  /** Names this machine's copy of the context, so that the next build sends only what changed. */
  private String sharedKey() {
    Path context = request.lent().directories().get("context");
    return context == null ? "" : Digest.of(context.toAbsolutePath().normalize().toString()).hex();
  }

  private SolveRequest solve(String ref, String sessionId) {
    var solve =
        SolveRequest.newBuilder()
            .setRef(ref)
            .setSession(sessionId)
            .setFrontend(request.frontend())
            .putAllFrontendAttrs(request.attributes())
            .addAllEntitlements(request.entitlements());
    for (Output output : request.lent().outputs()) {
      solve.addExporters(
          Exporter.newBuilder().setType(output.type()).putAllAttrs(output.attributes()));
    }
    Caches caches = request.caches();
    var cache = CacheOptions.newBuilder();
    caches.imports().forEach(each -> cache.addImports(entry(each)));
    caches.exports().forEach(each -> cache.addExports(entry(each)));
    if (!caches.imports().isEmpty()) {
      // Frontends ask for caches themselves, each for its own graphs.
      solve.putFrontendAttrs("cache-imports", caches.frontendAttribute());
    }
    return solve.setCache(cache).build();
  }

  private static CacheOptionsEntry entry(Caches.Entry cache) {
    return CacheOptionsEntry.newBuilder()
        .setType(cache.type())
        .putAllAttrs(cache.attributes())
        .build();
  }

  private boolean watch(String ref) {
    var messages =
        ClientCalls.blockingServerStreamingCall(
            daemon.channel(),
            ControlMethods.STATUS,
            CallOptions.DEFAULT,
            StatusRequest.newBuilder().setRef(ref).build());
    messages.forEachRemaining(view::show);
    return true;
  }

  // The stream ends with the build; a stream that failed hides nothing that the solve does not say.
  private static void awaitEndOf(Blocking.Task<Boolean> watching) throws InterruptedException {
    try {
      watching
          .done()
          .toCompletableFuture()
          .get(REST_OF_PROGRESS_SECONDS, java.util.concurrent.TimeUnit.SECONDS);
    } catch (ExecutionException | java.util.concurrent.TimeoutException e) {
      watching.interrupt();
    }
  }
}
