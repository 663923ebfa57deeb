package dev.kiln.actors;

import akka.NotUsed;
import akka.stream.javadsl.Source;
import akka.util.ByteString;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Progress;
import dev.kiln.model.Progress.VertexState;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Everything that a job's watchers see, in one growing file: frames of a length (32 bits, little
 * endian) and an encoded status, the form in which the history keeps it (features C-21). Any
 * thread. A build appends and never waits for a watcher; a watcher is a position in the file, so a
 * late one sees everything and a slow one costs nothing. The last stretch is kept in memory, so
 * that short builds and prompt watchers hardly touch the disk.
 *
 * <p>Appending never fails. Where the file cannot be written, as on a full disk, the log is broken:
 * it goes on in memory up to {@link #MOST_WITHOUT_FILE} and leaves out what comes then, but for the
 * last state of each vertex, which its end tells. The daemon's log says so once, and so does a
 * warning to the watchers.
 */
public final class ProgressLog {
  private static final int TAIL_BYTES = 64 << 10;

  /** Streams keep some 16 elements on the way to a watcher that has stopped reading. */
  private static final int MOST_AT_ONCE = 128 << 10;

  /** Of a log that cannot be written. */
  private static final int MOST_WITHOUT_FILE = 1 << 20;

  private static final Logger LOG = LoggerFactory.getLogger(ProgressLog.class);

  private final ProgressCodec codec;
  private final Path path;
  private final Map<Digest, VertexState> states = new LinkedHashMap<>();
  private final List<Runnable> waiting = new ArrayList<>();
  private final CompletableFuture<akka.Done> end = new CompletableFuture<>();
  private Optional<FileChannel> file = Optional.empty();
  private ByteArrayOutputStream tail = new ByteArrayOutputStream();
  private long flushed;
  private boolean broken;
  private boolean ended;

  /** Vertices whose last state a broken log left out. */
  private final Set<Digest> unshown = new LinkedHashSet<>();

  ProgressLog(ProgressCodec codec, Path path) {
    this.codec = codec;
    this.path = path;
  }

  /** What a watcher reads next: encoded events (empty for none yet), and where it goes on. */
  record Chunk(ByteString bytes, long next, boolean last) {}

  /**
   * The whole stream of encoded statuses, from the start; it ends after the job does. Each element
   * is the events of a short while as one status, at most about 128 KiB. Nothing is dropped: while
   * the consumer is slow, what it has not read waits in the file.
   */
  public Source<ByteString, NotUsed> watch() {
    return Source.fromGraph(new ProgressWatch(this));
  }

  /** Done when the last event was written. */
  public CompletionStage<akka.Done> ended() {
    return end;
  }

  /** The frames so far. Blocks on the file; call it after the end. */
  public void copyTo(OutputStream out) throws IOException {
    long position = 0;
    while (true) {
      byte[] bytes;
      synchronized (this) {
        if (position >= flushed) {
          out.write(tail.toByteArray(), (int) (position - flushed), (int) (length() - position));
          return;
        }
        bytes = readFile(position, MOST_AT_ONCE);
      }
      out.write(bytes);
      position += bytes.length;
    }
  }

  /** Appends events; never fails. */
  void append(List<Progress> events) {
    encode(codec, events).ifPresent(encoded -> append(events, encoded));
  }

  /** Events in the wire's form; empty, and said in the daemon's log, where they have none. */
  static Optional<byte[]> encode(ProgressCodec codec, List<Progress> events) {
    try {
      return Optional.of(codec.encode(events));
    } catch (RuntimeException | Error e) {
      LOG.error("{} progress events of a build cannot be shown", events.size(), e);
      return Optional.empty();
    }
  }

  /** Appends events that are encoded already; never fails. */
  void append(List<Progress> events, byte[] encoded) {
    List<Runnable> wake;
    synchronized (this) {
      if (ended) {
        return; // the stream is over; a runner that is still ending may report
      }
      try {
        var implied = new ArrayList<Progress>();
        for (Progress event : events) {
          if (event instanceof VertexState state) {
            note(state, implied);
          }
        }
        if (!implied.isEmpty()) {
          encode(codec, implied).ifPresent(bytes -> frame(implied, bytes));
        }
        frame(events, encoded);
      } catch (RuntimeException | Error e) {
        breaks(e);
      }
      wake = wake();
    }
    wake.forEach(ProgressLog::run);
  }

  /** Ends the stream: what started and did not complete was canceled (features V-54). */
  void end() {
    List<Runnable> wake;
    synchronized (this) {
      if (ended) {
        return;
      }
      try {
        List<Progress> last = last();
        if (!last.isEmpty()) {
          encode(codec, last).ifPresent(this::write);
        }
      } catch (RuntimeException | Error e) {
        breaks(e);
      }
      ended = true;
      states.clear();
      unshown.clear();
      wake = wake();
    }
    wake.forEach(ProgressLog::run);
    end.complete(akka.Done.getInstance());
  }

  /** The states that end the log: of what was under way, and of what a broken log left out. */
  private List<Progress> last() {
    Instant now = Instant.now();
    var last = new ArrayList<Progress>();
    for (VertexState s : states.values()) {
      if (s.started().isPresent() && s.completed().isEmpty()) {
        last.add(
            new VertexState(
                s.vertex(),
                s.inputs(),
                s.name(),
                s.cached(),
                s.started(),
                Optional.of(now),
                s.cached() || !s.error().isEmpty() ? s.error() : "context canceled",
                s.group()));
      } else if (unshown.contains(s.vertex())) {
        last.add(s);
      }
    }
    return last;
  }

  /** Notes a state, and shows inputs as cached that never had to run (features V-52). */
  private void note(VertexState state, List<Progress> implied) {
    states.put(state.vertex(), state);
    if (state.started().isEmpty()) {
      return;
    }
    var consumers = new ArrayList<>(List.of(state));
    while (!consumers.isEmpty()) {
      VertexState consumer = consumers.removeLast();
      for (Digest input : consumer.inputs()) {
        VertexState idle = states.get(input);
        if (idle != null && idle.started().isEmpty()) {
          var cached =
              new VertexState(
                  idle.vertex(),
                  idle.inputs(),
                  idle.name(),
                  true,
                  state.started(),
                  state.started(),
                  "",
                  idle.group());
          states.put(input, cached);
          implied.add(cached);
          consumers.add(cached);
        }
      }
    }
  }

  private void frame(List<Progress> events, byte[] payload) {
    if (broken && tail.size() + payload.length > MOST_WITHOUT_FILE) {
      for (Progress event : events) {
        if (event instanceof VertexState state) {
          unshown.add(state.vertex());
        }
      }
      return;
    }
    write(payload);
  }

  private void write(byte[] payload) {
    byte[] length =
        ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(payload.length).array();
    tail.writeBytes(length);
    tail.writeBytes(payload);
    if (tail.size() > TAIL_BYTES && !broken) {
      flush();
    }
  }

  /**
   * A write to the page cache, of 64 KiB or more at a time: short enough for the thread that
   * appends, whatever it is.
   */
  private void flush() {
    try {
      if (file.isEmpty()) {
        file =
            Optional.of(
                FileChannel.open(
                    path,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.READ,
                    StandardOpenOption.WRITE));
      }
      ByteBuffer bytes = ByteBuffer.wrap(tail.toByteArray());
      long end = flushed;
      while (bytes.hasRemaining()) {
        end += file.get().write(bytes, end);
      }
      flushed = end; // all or nothing: a part that was written is written over
      tail = new ByteArrayOutputStream(TAIL_BYTES);
    } catch (IOException | RuntimeException e) {
      breaks(e);
    }
  }

  /** From now on there is no file; what it has stays readable. */
  private void breaks(Throwable why) {
    if (broken) {
      return;
    }
    broken = true;
    LOG.error("the progress log {} cannot be written; the build goes on", path, why);
    String reason = BuildException.of(why).getMessage();
    states.keySet().stream()
        .findFirst()
        .map(vertex ->
            new Progress.Warning(
                vertex,
                1,
                "the daemon cannot write the log of this build, so not all of it may be shown: "
                    + reason,
                List.of(),
                "",
                Optional.empty(),
                List.of()))
        .flatMap(warning -> encode(codec, List.of(warning)))
        .ifPresent(this::write);
  }

  private long length() {
    return flushed + tail.size();
  }

  private static void run(Runnable wake) {
    try {
      wake.run();
    } catch (RuntimeException e) { // one watcher's, not the build's
      LOG.warn("a watcher of a build could not be told of its progress", e);
    }
  }

  private List<Runnable> wake() {
    var all = List.copyOf(waiting);
    waiting.clear();
    return all;
  }

  /** Calls {@code more} once there is something after {@code position}, or the end. */
  void whenMore(long position, Runnable more) {
    boolean now;
    synchronized (this) {
      now = ended || length() > position;
      if (!now) {
        waiting.add(more);
      }
    }
    if (now) {
      more.run();
    }
  }

  void forget(Runnable more) {
    synchronized (this) {
      waiting.remove(more);
    }
  }

  synchronized boolean isInMemory(long position) {
    return position >= flushed;
  }

  /** The next statuses after {@code position}. May block on the file. */
  synchronized Chunk read(long position) throws IOException {
    byte[] bytes;
    if (position >= flushed) {
      byte[] all = tail.toByteArray();
      bytes = java.util.Arrays.copyOfRange(all, (int) (position - flushed), all.length);
    } else {
      bytes = readFile(position, MOST_AT_ONCE);
      int first = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt();
      if (first + 4 > bytes.length) {
        bytes = readFile(position, first + 4);
      }
    }
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    ByteString out = akka.util.ByteString.emptyByteString();
    int used = 0;
    while (in.remaining() >= 4) {
      int length = in.getInt();
      if (length > in.remaining() || used > 0 && used + length > MOST_AT_ONCE) {
        break;
      }
      out = out.concat(ByteString.fromArray(bytes, in.position(), length));
      in.position(in.position() + length);
      used = in.position();
    }
    long next = position + used;
    return new Chunk(out, next, ended && next >= length());
  }

  private byte[] readFile(long position, int most) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate((int) Math.min(most, flushed - position));
    while (buffer.hasRemaining()) {
      int n = file.orElseThrow().read(buffer, position + buffer.position());
      if (n < 0) {
        throw new IOException("the progress log " + path + " was cut off");
      }
    }
    return buffer.array();
  }

  /** Removes the file; who still watches reads on. Blocks. */
  void delete() {
    synchronized (this) {
      try {
        if (file.isPresent()) {
          Files.deleteIfExists(path); // watchers read on through the open channel
        }
      } catch (IOException e) {
        LOG.warn("the progress log {} stays until the next start", path, e);
      }
    }
  }
}
