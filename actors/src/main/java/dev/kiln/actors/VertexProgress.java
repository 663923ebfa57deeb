package dev.kiln.actors;

import dev.kiln.llb.Edge;
import dev.kiln.llb.Vertex;
import dev.kiln.model.Digest;
import dev.kiln.model.Progress;
import dev.kiln.model.Progress.VertexState;
import dev.kiln.model.StepProgress;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What one vertex reports, to the logs of all jobs that want it; a job that comes later is told
 * what was before (features V-01), of output the last 256 KiB and of parts the last thousand. Any
 * thread.
 */
final class VertexProgress implements StepProgress {
  private static final int KEEP_LOG_BYTES = 256 << 10;
  private static final int KEEP_STATUSES = 1000;
  private final ProgressCodec codec;
  private final LogLimits limits;
  private final VertexState bare;
  private final List<ProgressLog> logs = new ArrayList<>();
  private final Map<String, Progress.Status> pastStatuses = new LinkedHashMap<>();
  private final Deque<Progress.Log> pastLogs = new ArrayDeque<>();
  private final List<Progress.Warning> pastWarnings = new ArrayList<>();
  private int pastLogBytes;
  private VertexState state;
  private long startNanos = System.nanoTime();
  private LogClip stdout;
  private LogClip stderr;

  VertexProgress(ProgressCodec codec, LogLimits limits, VertexState bare) {
    this.codec = codec;
    this.limits = limits;
    this.bare = bare;
    this.state = bare;
    this.stdout = new LogClip(limits);
    this.stderr = new LogClip(limits);
  }

  static VertexState bare(Vertex vertex) {
    return new VertexState(
        vertex.digest(),
        vertex.inputs().stream().map(Edge::vertex).toList(),
        vertex.name(),
        false,
        Optional.empty(),
        Optional.empty(),
        "",
        vertex.options().group());
  }

  /** The state before anything happened. */
  VertexState bare() {
    return bare;
  }

  /**
   * Reports to {@code log} too, from now on. What was before goes there at once; where nothing was
   * yet, the bare state is the caller's to send, with those of other vertices.
   *
   * @return whether the bare state is still to be sent
   */
  synchronized boolean join(ProgressLog log) {
    logs.add(log);
    boolean silent = pastStatuses.isEmpty() && pastLogs.isEmpty() && pastWarnings.isEmpty();
    if (state == bare && silent) {
      return true;
    }
    var all = new ArrayList<Progress>();
    all.add(bare);
    if (state != bare) {
      all.add(state);
    }
    all.addAll(pastStatuses.values());
    all.addAll(pastLogs);
    all.addAll(pastWarnings);
    log.append(all);
    return false;
  }

  synchronized void leave(ProgressLog log) {
    logs.remove(log);
  }

  /** Shows the vertex as started. */
  Instant started(boolean cached) {
    Instant now = Instant.now();
    synchronized (this) {
      startNanos = System.nanoTime();
      stdout = new LogClip(limits);
      stderr = new LogClip(limits);
      emit(state(cached, now, Optional.empty(), ""));
    }
    return now;
  }

  /** Shows the vertex as completed; an empty error is success. */
  void completed(boolean cached, Instant started, Instant at, String error) {
    synchronized (this) {
      if (!error.isEmpty()) {
        flushTail(1, stdout);
        flushTail(2, stderr);
      }
      emit(state(cached, started, Optional.of(at), error));
    }
  }

  private void flushTail(int stream, LogClip clip) {
    if (clip.tail().length > 0) {
      emit(new Progress.Log(bare.vertex(), stream, clip.tail(), Instant.now()));
    }
  }

  private VertexState state(
      boolean cached, Instant started, Optional<Instant> completed, String error) {
    return new VertexState(
        bare.vertex(),
        bare.inputs(),
        bare.name(),
        cached,
        Optional.of(started),
        completed,
        error,
        bare.group());
  }

  @Override
  public void log(int stream, byte[] message) {
    synchronized (this) {
      LogClip clip = stream == 1 ? stdout : stderr;
      byte[] shown = clip.take(message, Duration.ofNanos(System.nanoTime() - startNanos));
      if (shown.length > 0) {
        emit(new Progress.Log(bare.vertex(), stream, shown, Instant.now()));
      }
    }
  }

  @Override
  public void status(
      String id,
      String name,
      long current,
      long total,
      Optional<Instant> started,
      Optional<Instant> completed) {
    emit(
        new Progress.Status(
            bare.vertex(), id, name, current, total, Instant.now(), started, completed));
  }

  @Override
  public void warn(Progress.Warning warning) {
    emit(warning);
  }

  private synchronized void emit(Progress event) {
    List<Progress> one = List.of(event);
    if (!logs.isEmpty()) {
      ProgressLog.encode(codec, one)
          .ifPresent(encoded -> logs.forEach(log -> log.append(one, encoded)));
    }
    switch (event) {
      case VertexState now -> state = now;
      case Progress.Status now -> {
        pastStatuses.remove(now.id());
        pastStatuses.put(now.id(), now);
        if (pastStatuses.size() > KEEP_STATUSES) {
          pastStatuses.remove(pastStatuses.keySet().iterator().next());
        }
      }
      case Progress.Log now -> {
        pastLogs.add(now);
        pastLogBytes += now.message().length;
        while (pastLogBytes > KEEP_LOG_BYTES) {
          pastLogBytes -= pastLogs.remove().message().length;
        }
      }
      case Progress.Warning now -> pastWarnings.add(now);
    }
  }

  /** For what is shown as a vertex but is none of a graph (features V-59). */
  static VertexProgress synthetic(
      ProgressCodec codec, LogLimits limits, String id, String name, ProgressLog log) {
    var bare =
        new VertexState(
            Digest.of(id),
            List.of(),
            name,
            false,
            Optional.empty(),
            Optional.empty(),
            "",
            Optional.empty());
    var progress = new VertexProgress(codec, limits, bare);
    progress.join(log);
    return progress;
  }
}
