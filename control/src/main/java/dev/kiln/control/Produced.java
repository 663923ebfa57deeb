package dev.kiln.control;

import akka.NotUsed;
import akka.stream.OverflowStrategy;
import akka.stream.javadsl.Source;
import akka.stream.javadsl.SourceQueueWithComplete;
import dev.kiln.grpc.GrpcErrors;
import dev.kiln.grpc.transport.Call;
import java.util.concurrent.ExecutionException;

/**
 * Streams that blocking code fills. At most 16 elements wait for a slow reader; then the producer
 * waits. It is interrupted when the caller leaves.
 */
final class Produced {
  private static final int BUFFER = 16;

  private Produced() {}

  /** Where a producer puts what it makes. */
  interface Sink<T> {
    void put(T element) throws InterruptedException;
  }

  /** Makes elements until it returns. */
  interface Producer<T> {
    void run(Sink<T> sink) throws Exception;
  }

  static <T> Source<T, NotUsed> by(Call call, String name, Producer<T> producer) {
    return Source.<T>queue(BUFFER, OverflowStrategy.backpressure())
        .mapMaterializedValue(queue -> {
          start(call, name, producer, queue);
          return NotUsed.getInstance();
        });
  }

  private static <T> void start(
      Call call, String name, Producer<T> producer, SourceQueueWithComplete<T> queue) {
    call.answer(
            name,
            () -> {
              producer.run(element -> put(queue, element));
              return true;
            })
        .whenComplete((_, failure) -> {
          if (failure == null) {
            queue.complete();
          } else {
            queue.fail(GrpcErrors.toGrpc(failure));
          }
        });
  }

  private static <T> void put(SourceQueueWithComplete<T> queue, T element)
      throws InterruptedException {
    try {
      queue.offer(element).toCompletableFuture().get();
    } catch (ExecutionException e) {
      throw GrpcErrors.toBuild(e);
    }
  }
}
