package dev.kiln.grpc.transport;

import akka.NotUsed;
import akka.grpc.javadsl.Metadata;
import akka.stream.javadsl.Sink;
import akka.stream.javadsl.Source;
import dev.kiln.grpc.control.*;
import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.Kind;
import java.util.Base64;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;

/** A Control service whose methods show one behaviour of the transport each. */
final class FakeControl implements ControlPowerApi {
  final CountDownLatch solveStarted = new CountDownLatch(1);
  final CountDownLatch solveCanceled = new CountDownLatch(1);
  final CountDownLatch solveInterrupted = new CountDownLatch(1);
  final CountDownLatch sessionStarted = new CountDownLatch(1);
  final CompletableFuture<Long> sessionBytes = new CompletableFuture<>();
  final CompletableFuture<Boolean> refusedRequestsFailed = new CompletableFuture<>();
  private final akka.stream.Materializer materializer;

  FakeControl(akka.stream.Materializer materializer) {
    this.materializer = materializer;
  }

  /** Answers with the number of filters: a message of any size. */
  @Override
  public CompletionStage<DiskUsageResponse> diskUsage(DiskUsageRequest in, Metadata metadata) {
    Call.of(metadata).addResponseHeader("x-seen", Integer.toString(in.getSerializedSize()));
    var record = UsageRecord.newBuilder().setSize(in.getSerializedSize());
    if (in.getFilterCount() == 2) { // an answer of a size
      record.setDescription(incompressible(Integer.parseInt(in.getFilter(1))));
    }
    return CompletableFuture.completedFuture(
        DiskUsageResponse.newBuilder().addRecord(record).build());
  }

  /** Text of which gzip leaves three quarters: what counts is the size on the wire. */
  private static String incompressible(int length) {
    var bytes = new byte[length / 4 * 3];
    new Random(length).nextBytes(bytes);
    return Base64.getEncoder().encodeToString(bytes);
  }

  /** Fails with a typed detail. */
  @Override
  public Source<UsageRecord, NotUsed> prune(PruneRequest in, Metadata metadata) {
    return Source.failed(
        new BuildException(Kind.NOT_FOUND, "no such thing").with(new Detail.ProcessExited(3)));
  }

  /** Blocks until it is interrupted. */
  @Override
  public CompletionStage<SolveResponse> solve(SolveRequest in, Metadata metadata) {
    Call call = Call.of(metadata);
    call.onCancel(solveCanceled::countDown);
    return call.answer(
        "solve",
        () -> {
          solveStarted.countDown();
          try {
            new CountDownLatch(1).await();
          } catch (InterruptedException e) {
            solveInterrupted.countDown();
            throw e;
          }
          return SolveResponse.getDefaultInstance();
        });
  }

  @Override
  public Source<StatusResponse, NotUsed> status(StatusRequest in, Metadata metadata) {
    Call.of(metadata).addResponseHeader("buildkit-current-timestamp", "now");
    int length = in.getRef().isEmpty() ? 0 : Integer.parseInt(in.getRef());
    return Source.range(1, 3)
        .map(i ->
            StatusResponse.newBuilder()
                .addVertexes(
                    Vertex.newBuilder().setName("v" + i).setError(incompressible((i - 1) * length)))
                .build());
  }

  /** Counts the bytes; the count fails if the caller dies before its end of stream. */
  @Override
  public Source<BytesMessage, NotUsed> session(
      Source<BytesMessage, NotUsed> in, Metadata metadata) {
    sessionStarted.countDown();
    in.map(m -> (long) m.getData().size())
        .runWith(Sink.fold(0L, Long::sum), materializer)
        .whenComplete((sum, failure) -> {
          if (failure == null) {
            sessionBytes.complete(sum);
          } else {
            sessionBytes.completeExceptionally(failure);
          }
        });
    return Source.completionStage(sessionBytes)
        .map(n ->
            BytesMessage.newBuilder()
                .setData(com.google.protobuf.ByteString.copyFromUtf8(n.toString()))
                .build());
  }

  /** Refuses the call, whatever is still to come; tells how its requests ended. */
  Source<BytesMessage, NotUsed> refuse(Source<BytesMessage, NotUsed> in, Metadata metadata) {
    in.runWith(Sink.ignore(), materializer)
        .whenComplete((_, failure) -> refusedRequestsFailed.complete(failure != null));
    return Source.failed(new BuildException(Kind.INVALID, "refused"));
  }

  @Override
  public CompletionStage<ListWorkersResponse> listWorkers(
      ListWorkersRequest in, Metadata metadata) {
    return Call.failed(new BuildException(Kind.UNAVAILABLE, "no workers"));
  }

  @Override
  public CompletionStage<InfoResponse> info(InfoRequest in, Metadata metadata) {
    return CompletableFuture.completedFuture(InfoResponse.getDefaultInstance());
  }

  @Override
  public Source<BuildHistoryEvent, NotUsed> listenBuildHistory(
      BuildHistoryRequest in, Metadata metadata) {
    return Source.maybe()
        .mapMaterializedValue(_ -> NotUsed.getInstance())
        .map(x -> (BuildHistoryEvent) x);
  }

  @Override
  public CompletionStage<UpdateBuildHistoryResponse> updateBuildHistory(
      UpdateBuildHistoryRequest in, Metadata metadata) {
    throw new AssertionError("a bug");
  }
}
