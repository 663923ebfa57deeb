package dev.kiln.session.tree;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.tracing.Blocking;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Sends a tree to a peer: lists it, and meanwhile sends the files that the peer asks for. One
 * object a transfer; the caller's thread reads requests, helpers list and send, and have ended when
 * it returns. Bound: requests waiting are numbers only, at most one a file; contents are read as
 * the stream takes them.
 *
 * <p>Protocol: fsutil 2025-04-17, {@code send.go}.
 */
public final class TreeSender {
  private static final int SENDERS = 4;
  private static final int CHUNK_BYTES = 1 << 17;
  private static final int STOP = -1;

  private final PacketStream peer;
  private final TreeSource tree;
  private final LongConsumer sent;
  private final Map<Integer, TreeEntry> files = new ConcurrentHashMap<>();
  private final LinkedBlockingQueue<Integer> requests = new LinkedBlockingQueue<>();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private final AtomicLong bytesSent = new AtomicLong();

  private TreeSender(PacketStream peer, TreeSource tree, LongConsumer sent) {
    this.peer = peer;
    this.tree = tree;
    this.sent = sent;
  }

  /**
   * Sends; returns when the peer has all that it wants.
   *
   * @param sent told of the bytes sent so far, from several threads
   * @throws BuildException the peer's failure
   */
  public static void send(PacketStream peer, TreeSource tree, LongConsumer sent)
      throws IOException, InterruptedException {
    new TreeSender(peer, tree, sent).run();
  }

  private void run() throws IOException, InterruptedException {
    var helpers = new ArrayList<Blocking.Task<Boolean>>();
    helpers.add(Blocking.start("tree-list", () -> guarded(this::list)));
    for (int i = 0; i < SENDERS; i++) {
      helpers.add(Blocking.start("tree-send-" + i, () -> guarded(this::sendRequested)));
    }
    try {
      serveRequests();
    } catch (BuildException | InterruptedException e) {
      @Nullable Throwable first = failure.get(); // an interrupt makes more
      helpers.forEach(Blocking.Task::interrupt);
      awaitAll(helpers);
      switch (first) {
        case IOException io -> throw io;
        case BuildException own -> throw own;
        case null, default -> throw e;
      }
    }
    for (int i = 0; i < SENDERS; i++) {
      requests.add(STOP);
    }
    awaitAll(helpers);
  }

  private void serveRequests() throws InterruptedException {
    while (true) {
      Optional<Packet> packet = peer.receive();
      if (packet.isEmpty()) {
        throw new BuildException(Kind.UNKNOWN, "the file transfer ended early");
      }
      switch (packet.get()) {
        case Packet.Request(int id) -> requests.add(id);
        case Packet.Fin() -> {
          peer.send(new Packet.Fin());
          return;
        }
        case Packet.Failed(String message) -> throw failureOfPeer(message);
        case Packet.Entry _, Packet.EndOfEntries _, Packet.Data _ ->
            throw new BuildException(Kind.INVALID, "a receiver sent what only a sender may");
      }
    }
  }

  /**
   * Of several failures the receiver names one here, perhaps that the others made it give up: how
   * it ends the call counts more.
   */
  private BuildException failureOfPeer(String named) throws InterruptedException {
    try {
      while (peer.receive().isPresent()) {
        continue; // what came before the end
      }
      return new BuildException(Kind.UNKNOWN, "error from receiver: " + named);
    } catch (BuildException end) {
      return end.wrap("error from receiver");
    }
  }

  @FunctionalInterface
  private interface Work {
    void run() throws IOException, InterruptedException;
  }

  // The peer is told why, and the reading thread is woken by the end of the call.
  private boolean guarded(Work work) throws InterruptedException {
    try {
      work.run();
      return true;
    } catch (IOException | BuildException e) {
      if (failure.compareAndSet(null, e)) {
        try {
          peer.send(new Packet.Failed(String.valueOf(e.getMessage())));
        } catch (BuildException _) {
          // the call has ended already
        }
        peer.cancel(String.valueOf(e.getMessage()));
      }
      return false;
    }
  }

  private void list() throws IOException, InterruptedException {
    var next = new int[1];
    tree.walk(entry -> {
      int id = next[0]++;
      if (entry.isRegular()) {
        files.put(id, entry);
      }
      count(entry.path().length() + 32L);
      peer.send(new Packet.Entry(entry));
    });
    peer.send(new Packet.EndOfEntries());
  }

  private void sendRequested() throws IOException, InterruptedException {
    for (int id = requests.take(); id != STOP; id = requests.take()) {
      TreeEntry file = files.remove(id);
      if (file == null) {
        throw new BuildException(Kind.INVALID, "invalid file id " + id);
      }
      sendFile(id, file);
    }
  }

  // A file that is gone or unreadable comes out empty, as with other senders: the list is out.
  private void sendFile(int id, TreeEntry file) throws IOException, InterruptedException {
    Optional<InputStream> content = open(file);
    if (content.isPresent()) {
      try (InputStream in = content.get()) {
        while (true) {
          byte[] chunk = in.readNBytes(Math.clamp(file.sizeBytes(), 0, CHUNK_BYTES - 1) + 1);
          if (chunk.length == 0) {
            break;
          }
          count(chunk.length);
          peer.send(new Packet.Data(id, chunk, 0, chunk.length));
        }
      }
    }
    peer.send(new Packet.Data(id, new byte[0], 0, 0));
  }

  private Optional<InputStream> open(TreeEntry file) {
    try {
      return Optional.of(tree.open(file.path()));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private void count(long bytes) {
    sent.accept(bytesSent.addAndGet(bytes));
  }

  private static void awaitAll(List<Blocking.Task<Boolean>> tasks) throws InterruptedException {
    boolean interrupted = false;
    for (var task : tasks) {
      while (true) {
        try {
          task.done().toCompletableFuture().get();
          break;
        } catch (ExecutionException e) {
          break; // interrupted on purpose
        } catch (InterruptedException e) {
          interrupted = true; // the tree must be at rest before it is unmounted
          tasks.forEach(Blocking.Task::interrupt);
        }
      }
    }
    if (interrupted) {
      throw new InterruptedException("sending a tree was interrupted");
    }
  }
}
