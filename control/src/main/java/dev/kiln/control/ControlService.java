package dev.kiln.control;

import akka.NotUsed;
import akka.grpc.javadsl.Metadata;
import akka.stream.javadsl.Source;
import akka.util.ByteString;
import dev.kiln.grpc.Times;
import dev.kiln.grpc.control.BuildHistoryEvent;
import dev.kiln.grpc.control.BuildHistoryRecord;
import dev.kiln.grpc.control.BuildHistoryRequest;
import dev.kiln.grpc.control.BytesMessage;
import dev.kiln.grpc.control.ControlPowerApi;
import dev.kiln.grpc.control.DiskUsageRequest;
import dev.kiln.grpc.control.DiskUsageResponse;
import dev.kiln.grpc.control.InfoRequest;
import dev.kiln.grpc.control.InfoResponse;
import dev.kiln.grpc.control.ListWorkersRequest;
import dev.kiln.grpc.control.ListWorkersResponse;
import dev.kiln.grpc.control.PruneRequest;
import dev.kiln.grpc.control.SolveRequest;
import dev.kiln.grpc.control.SolveResponse;
import dev.kiln.grpc.control.StatusRequest;
import dev.kiln.grpc.control.StatusResponse;
import dev.kiln.grpc.control.UpdateBuildHistoryRequest;
import dev.kiln.grpc.control.UpdateBuildHistoryResponse;
import dev.kiln.grpc.control.UsageRecord;
import dev.kiln.grpc.transport.Call;
import dev.kiln.grpc.tunnel.BytePipe;
import dev.kiln.model.Digest;
import dev.kiln.session.SessionMetadata;
import dev.kiln.session.Sessions;
import dev.kiln.store.RefId;
import dev.kiln.store.content.ContentStore;
import io.netty.channel.EventLoop;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

/**
 * {@code moby.buildkit.v1.Control}: translates calls for the solver, the store, the sessions and
 * the history. Stateless; any thread.
 */
public final class ControlService implements ControlPowerApi {
  /** How long a status call waits for a build that has not reached the daemon yet (S-04). */
  private static final Duration WAIT_FOR_BUILD = Duration.ofSeconds(6);

  private static final String TIMESTAMP_HEADER = "buildkit-current-timestamp";

  private final Opening<Backend> backend;
  private final Opening<Workers> workers;
  private final Sessions sessions;
  private final dev.kiln.grpc.types.BuildkitVersion version;
  private final Clock clock;
  private final Runnable onBuild;

  /**
   * @param onBuild run whenever a client begins what may become a build; must not block
   */
  public ControlService(
      Opening<Backend> backend,
      Opening<Workers> workers,
      Sessions sessions,
      dev.kiln.grpc.types.BuildkitVersion version,
      Clock clock,
      Runnable onBuild) {
    this.backend = backend;
    this.workers = workers;
    this.sessions = sessions;
    this.version = version;
    this.clock = clock;
    this.onBuild = onBuild;
  }

  @Override
  public CompletionStage<InfoResponse> info(InfoRequest in, Metadata metadata) {
    return Call.of(metadata)
        .answer("info", () -> InfoResponse.newBuilder().setBuildkitVersion(version).build());
  }

  @Override
  public CompletionStage<ListWorkersResponse> listWorkers(
      ListWorkersRequest in, Metadata metadata) {
    return Call.of(metadata)
        .answer(
            "list-workers",
            () ->
                ListWorkersResponse.newBuilder()
                    .addAllRecord(workers.await().list(in.getFilterList()))
                    .build());
  }

  /** A session, which lasts as long as the call. */
  public void openSession(Call call, BytePipe pipe, EventLoop loop) {
    onBuild.run();
    sessions.open(SessionMetadata.of(call.headers()), pipe, loop);
  }

  /** Not called: {@link #openSession} takes the bytes without a stream between. */
  @Override
  public Source<BytesMessage, NotUsed> session(
      Source<BytesMessage, NotUsed> in, Metadata metadata) {
    throw new UnsupportedOperationException("a session is a tunnel");
  }

  @Override
  public CompletionStage<SolveResponse> solve(SolveRequest in, Metadata metadata) {
    onBuild.run();
    Call call = Call.of(metadata);
    return call.answer(
        "solve-" + in.getRef(), () -> backend.await().builds().solve(in, call.context()));
  }

  /** Not called: {@link #encodedStatus} answers. */
  @Override
  public Source<StatusResponse, NotUsed> status(StatusRequest in, Metadata metadata) {
    throw new UnsupportedOperationException("statuses are encoded already");
  }

  /** What a build shows, from its start, as it was encoded when it came. */
  public Source<byte[], NotUsed> encodedStatus(StatusRequest in, Metadata metadata) {
    Call call = Call.of(metadata);
    addTimestamp(call);
    return Source.completionStageSource(
            call.answer(
                "status",
                () -> {
                  Backend opened = backend.await();
                  Optional<BuildHistoryRecord> record = opened.history().find(in.getRef());
                  if (record.isPresent()) {
                    return replay(call, opened.store().content(), record.get());
                  }
                  // In one future, so that a slow reader holds no thread.
                  return Source.completionStageSource(
                          opened
                              .solver()
                              .progress(in.getRef(), WAIT_FOR_BUILD)
                              .thenApply(log -> log.watch().map(ByteString::toArrayUnsafe)))
                      .mapMaterializedValue(_ -> NotUsed.getInstance());
                }))
        .mapMaterializedValue(_ -> NotUsed.getInstance());
  }

  /** The log of an ended build, frame by frame. */
  private static Source<byte[], NotUsed> replay(
      Call call, ContentStore content, BuildHistoryRecord record) {
    if (!record.hasLogs()) {
      return Source.empty();
    }
    return Produced.by(
        call,
        "status-replay",
        sink -> BuildLog.read(content, new Digest(record.getLogs().getDigest()), sink));
  }

  /** Clients count the age of events from the daemon's clock. */
  private void addTimestamp(Call call) {
    call.addResponseHeader(
        TIMESTAMP_HEADER,
        DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(clock.instant().atOffset(ZoneOffset.UTC)));
  }

  @Override
  public CompletionStage<DiskUsageResponse> diskUsage(DiskUsageRequest in, Metadata metadata) {
    return Call.of(metadata)
        .answer(
            "disk-usage",
            () ->
                DiskUsageResponse.newBuilder()
                    .addAllRecord(
                        backend
                            .await()
                            .store()
                            .refs()
                            .usage(in.getFilterList(), Duration.ofNanos(in.getAgeLimit()))
                            .stream()
                            .map(ControlService::usage)
                            .toList())
                    .build());
  }

  @Override
  public Source<UsageRecord, NotUsed> prune(PruneRequest in, Metadata metadata) {
    return Produced.by(
        Call.of(metadata),
        "prune",
        sink -> {
          var request =
              new dev.kiln.store.PruneRequest(
                  in.getFilterList(),
                  in.getAll(),
                  Duration.ofNanos(in.getKeepDuration()),
                  in.getReservedSpace(),
                  in.getMaxUsedSpace(),
                  in.getMinFreeSpace());
          backend.await().gc().pruneByUser(request, record -> sink.put(usage(record)));
        });
  }

  private static UsageRecord usage(dev.kiln.store.UsageRecord from) {
    var record =
        UsageRecord.newBuilder()
            .setID(from.id().value())
            .setMutable(from.mutable())
            .setInUse(from.inUse())
            .setSize(from.sizeBytes())
            .addAllParents(from.parents().stream().map(RefId::value).toList())
            .setCreatedAt(Times.timestamp(from.createdAt()))
            .setUsageCount(from.usageCount())
            .setDescription(from.description())
            .setRecordType(from.type().wireName())
            .setShared(from.shared());
    from.lastUsedAt().ifPresent(time -> record.setLastUsedAt(Times.timestamp(time)));
    return record.build();
  }

  @Override
  public Source<BuildHistoryEvent, NotUsed> listenBuildHistory(
      BuildHistoryRequest in, Metadata metadata) {
    Call call = Call.of(metadata);
    addTimestamp(call);
    return Source.completionStageSource(
            call.answer(
                "listen-history", () -> HistoryEvents.listen(backend.await().history(), in)))
        .mapMaterializedValue(_ -> NotUsed.getInstance());
  }

  @Override
  public CompletionStage<UpdateBuildHistoryResponse> updateBuildHistory(
      UpdateBuildHistoryRequest in, Metadata metadata) {
    return Call.of(metadata)
        .answer(
            "update-history",
            () -> {
              Backend opened = backend.await();
              opened.history().update(in).toCompletableFuture().get(5, TimeUnit.MINUTES);
              if (in.getDelete()) {
                opened.gc().soon();
              }
              return UpdateBuildHistoryResponse.getDefaultInstance();
            });
  }
}
