package dev.kiln.control;

import akka.NotUsed;
import akka.stream.BoundedSourceQueue;
import akka.stream.QueueOfferResult;
import akka.stream.javadsl.Source;
import dev.kiln.control.history.BuildHistory;
import dev.kiln.grpc.control.BuildHistoryEvent;
import dev.kiln.grpc.control.BuildHistoryRequest;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * One client's view of the history: what is there, then what happens. For a client that does not
 * read, {@value #BUFFER} events are kept; then its stream fails, and it may listen anew.
 */
final class HistoryEvents {
  private static final int BUFFER = 4096;

  private HistoryEvents() {}

  /** Collects what is there until the stream runs, then feeds the stream. */
  private static final class Feed implements Consumer<BuildHistoryEvent> {
    private final List<BuildHistoryEvent> first = new ArrayList<>();
    private Optional<BoundedSourceQueue<BuildHistoryEvent>> queue = Optional.empty();

    @Override
    public synchronized void accept(BuildHistoryEvent event) {
      if (queue.isEmpty()) {
        first.add(event);
      } else {
        offer(queue.get(), event);
      }
    }

    synchronized void into(BoundedSourceQueue<BuildHistoryEvent> running) {
      queue = Optional.of(running);
      first.forEach(event -> offer(running, event));
      first.clear();
    }

    private static void offer(
        BoundedSourceQueue<BuildHistoryEvent> queue, BuildHistoryEvent event) {
      if (queue.offer(event) instanceof QueueOfferResult.Dropped$) {
        queue.fail(new BuildException(Kind.EXHAUSTED, "too many history events wait to be read"));
      }
    }
  }

  static Source<BuildHistoryEvent, NotUsed> listen(
      BuildHistory history, BuildHistoryRequest request) {
    var feed = new Feed();
    Optional<BuildHistory.Subscription> subscription = history.listen(request, feed);
    if (subscription.isEmpty()) {
      return Source.from(feed.first);
    }
    var begun = new ArrayList<BuildHistoryEvent>();
    synchronized (feed) {
      begun.addAll(feed.first);
      feed.first.clear();
    }
    BuildHistory.Subscription opened = subscription.get();
    Source<BuildHistoryEvent, NotUsed> later =
        Source.<BuildHistoryEvent>queue(BUFFER)
            .mapMaterializedValue(queue -> {
              feed.into(queue);
              return NotUsed.getInstance();
            });
    return Source.from(begun)
        .concat(later)
        .watchTermination((value, done) -> {
          done.whenComplete((_, _) -> opened.close());
          return value;
        });
  }
}
