package dev.kiln.grpc.transport;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The HTTP/2 streams that one connection has open, as {@link FrameTap} sees them pass. Any thread;
 * one per connection.
 */
final class OpenStreams {
  private static final class Stream {
    final CompletableFuture<Boolean> end = new CompletableFuture<>();
  }

  private final Map<Integer, Stream> open = new ConcurrentHashMap<>();

  void opened(int id) {
    open.computeIfAbsent(id, _ -> new Stream());
  }

  /**
   * @param byPeer whether the peer gave the stream up before we had answered
   */
  void ended(int id, boolean byPeer) {
    Stream stream = open.remove(id);
    if (stream != null) {
      stream.end.complete(byPeer);
    }
  }

  /** Ties a call to its stream; a stream that is gone already ends it at once. */
  void attach(int id, Call call) {
    Stream stream = open.get(id);
    if (stream == null) {
      call.end(true);
    } else {
      var _ = stream.end.thenAccept(call::end);
    }
  }

  List<Integer> ids() {
    return new ArrayList<>(open.keySet());
  }
}
