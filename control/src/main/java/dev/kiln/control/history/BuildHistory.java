package dev.kiln.control.history;

import dev.kiln.config.GoDuration;
import dev.kiln.grpc.Times;
import dev.kiln.grpc.control.BuildHistoryEvent;
import dev.kiln.grpc.control.BuildHistoryEventType;
import dev.kiln.grpc.control.BuildHistoryRecord;
import dev.kiln.grpc.control.BuildHistoryRequest;
import dev.kiln.grpc.control.Descriptor;
import dev.kiln.grpc.control.UpdateBuildHistoryRequest;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.store.Leases;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The builds under way and those that ended, and who listens for them. A record's blobs (log,
 * trace, error, results) are held as long as the record is there. A build that a crash ended leaves
 * no record. Any thread; methods block on the disk. The daemon opens and closes it.
 */
public final class BuildHistory implements AutoCloseable {
  private static final String PIN = "history/";

  /** How long a close waits for traces to be written. */
  private static final Duration LAST_TRACES = Duration.ofSeconds(10);

  private static final Logger LOG = LoggerFactory.getLogger(BuildHistory.class);
  private final HistoryDatabase database;
  private final Leases leases;
  private final RecordBlobs keeps;
  private final Limits limits;
  private final Clock clock;
  private final Map<String, BuildHistoryRecord> active = new LinkedHashMap<>();
  private final TreeMap<String, BuildHistoryRecord> ended = new TreeMap<>();
  private final Map<String, Finalization> finalizing = new HashMap<>();
  private final List<Listener> listeners = new CopyOnWriteArrayList<>();

  /** What the file does not have as it is here: written with the next record, or by the timer. */
  private final Set<String> unwritten = new LinkedHashSet<>();

  private boolean troubled;

  /** Deleted while somebody listened to them: they go when nobody does any more. */
  private final Set<String> doomed = new HashSet<>();

  /**
   * What is kept; an absent bound does not hold, and with both a record goes only when it is beyond
   * both.
   */
  public record Limits(Optional<Duration> maxAge, Optional<Integer> maxEntries) {}

  /**
   * @param ref the one build that it is for; empty for all
   */
  private record Listener(
      String ref, Predicate<BuildHistoryRecord> filter, Consumer<BuildHistoryEvent> to) {}

  /** The trace of an ended build, which collects late spans for a while. */
  public interface TraceInProgress {
    /** Collect no longer; does nothing the second time. */
    void hurry();

    /** Ends with the blob that holds the trace, where there is one. */
    CompletionStage<Optional<Descriptor>> done();
  }

  private record Finalization(TraceInProgress trace, CompletableFuture<Void> done) {}

  /** An end of listening; closing it twice is closing it once. */
  public interface Subscription extends AutoCloseable {
    @Override
    void close();
  }

  private BuildHistory(
      HistoryDatabase database, Leases leases, RecordBlobs keeps, Limits limits, Clock clock) {
    this.database = database;
    this.leases = leases;
    this.keeps = keeps;
    this.limits = limits;
    this.clock = clock;
    for (BuildHistoryRecord record : database.all()) {
      ended.put(record.getRef(), record);
    }
  }

  /**
   * Opens the history kept in {@code file}; its records' blobs are pinned in the store.
   *
   * @param content the bytes of a manifest or index; empty where it is not here
   */
  public static BuildHistory open(
      Path file,
      Leases leases,
      Function<Digest, Optional<byte[]>> content,
      Limits limits,
      Clock clock) {
    return new BuildHistory(
        HistoryDatabase.open(file), leases, new RecordBlobs(content), limits, clock);
  }

  /** A build begins. */
  public synchronized void started(BuildHistoryRecord record) {
    active.put(record.getRef(), record);
    tell(BuildHistoryEventType.STARTED, record);
  }

  /**
   * A build ended: its record is kept from now on, and completed by its trace when that is known.
   */
  public synchronized void completed(BuildHistoryRecord record, TraceInProgress trace) {
    active.remove(record.getRef());
    var done = new CompletableFuture<Void>();
    finalizing.put(record.getRef(), new Finalization(trace, done));
    save(record);
    tell(BuildHistoryEventType.COMPLETE, record);
    var _ =
        trace
            .done()
            .whenComplete((descriptor, error) -> {
              if (error != null) { // the build stands without it
                LOG.warn("the trace of build {} is not kept", record.getRef(), error);
              }
              traced(record.getRef(), error == null ? descriptor : Optional.empty(), done);
            });
  }

  private synchronized void traced(
      String ref, Optional<Descriptor> trace, CompletableFuture<Void> done) {
    BuildHistoryRecord record = ended.get(ref);
    try {
      if (record != null && trace.isPresent()) {
        tell(
            BuildHistoryEventType.COMPLETE,
            save(
                record.toBuilder()
                    .setTrace(trace.get())
                    .setGeneration(record.getGeneration() + 1)
                    .build()));
      }
    } finally {
      finalizing.remove(ref);
      done.complete(null);
    }
  }

  /**
   * Keeps the record and its blobs from now on. One that cannot be written, as on a full disk,
   * waits in memory: the build stands or fails by its own.
   */
  private BuildHistoryRecord save(BuildHistoryRecord record) {
    ended.put(record.getRef(), record);
    unwritten.add(record.getRef());
    writeOut();
    return record;
  }

  /** Writes what is unwritten. Gives up at the second failure: then it is the disk's. */
  private void writeOut() {
    int failures = 0;
    for (String ref : List.copyOf(unwritten)) {
      try {
        write(ref);
        unwritten.remove(ref);
      } catch (RuntimeException e) {
        if (!troubled) {
          LOG.warn("the record of build {} waits in memory until it can be written", ref, e);
        }
        troubled = true;
        unwritten.remove(ref);
        unwritten.add(ref); // behind the others
        if (++failures == 2) {
          return;
        }
      }
    }
    if (troubled && unwritten.isEmpty()) {
      LOG.info("the records of all builds are written again");
      troubled = false;
    }
  }

  private void write(String ref) {
    BuildHistoryRecord record = ended.get(ref);
    if (record == null) {
      database.delete(ref);
    } else {
      leases.pin(PIN + ref, keeps.of(record));
      database.put(record);
    }
  }

  /** All blobs that records name. */
  public synchronized Set<Digest> blobs() {
    var all = new HashSet<Digest>();
    ended.values().forEach(record -> all.addAll(RecordBlobs.named(record)));
    return all;
  }

  /** The record of an ended build. */
  public synchronized Optional<BuildHistoryRecord> find(String ref) {
    return Optional.ofNullable(ended.get(ref));
  }

  /**
   * Tells {@code to} of the builds that the request asks for: those under way, then the ended ones,
   * then what happens from now on, unless the request wants to end there. {@code to} is called on
   * the threads of others: it must not block.
   *
   * @return absent where there is nothing more to come
   * @throws BuildException {@code INVALID} for a bad filter or limit, {@code NOT_FOUND} for a build
   *     whose record is deleted
   */
  public synchronized Optional<Subscription> listen(
      BuildHistoryRequest request, Consumer<BuildHistoryEvent> to) {
    Predicate<BuildHistoryRecord> byFilter = HistoryFilter.parse(request.getFilterList(), clock);
    Predicate<BuildHistoryRecord> wanted =
        record ->
            (request.getRef().isEmpty() || request.getRef().equals(record.getRef()))
                && !doomed.contains(record.getRef())
                && byFilter.test(record);
    if (doomed.contains(request.getRef())) {
      throw new BuildException(
          Kind.NOT_FOUND, "ref " + request.getRef() + " is deleted: file does not exist");
    }
    if (request.getLimit() < 0) {
      throw new BuildException(Kind.INVALID, "invalid limit " + request.getLimit());
    }
    var now = new ArrayList<BuildHistoryEvent>();
    active.values().stream()
        .filter(wanted)
        .forEach(record -> now.add(event(BuildHistoryEventType.STARTED, record)));
    if (!request.getActiveOnly()) {
      ended.values().stream()
          .filter(wanted)
          .forEach(record -> now.add(event(BuildHistoryEventType.COMPLETE, record)));
    }
    if (request.getLimit() > 0) {
      now.sort(
          Comparator.comparing((BuildHistoryEvent e) -> Times.instant(e.getRecord().getCreatedAt()))
              .reversed());
    }
    now.stream().limit(request.getLimit() > 0 ? request.getLimit() : Long.MAX_VALUE).forEach(to);
    if (request.getEarlyExit()) {
      return Optional.empty();
    }
    var listener =
        new Listener(
            request.getRef(),
            wanted.or(record ->
                !record.hasCreatedAt()
                    && (request.getRef().isEmpty() || request.getRef().equals(record.getRef()))),
            to);
    listeners.add(listener);
    return Optional.of(() -> leave(listener));
  }

  private synchronized void leave(Listener listener) {
    if (listeners.remove(listener) && doomed.contains(listener.ref())) {
      delete(listener.ref());
    }
  }

  /**
   * Pins, deletes or finalizes a record.
   *
   * @return ends when it is done: a finalization waits for the build's trace
   */
  public synchronized CompletionStage<Void> update(UpdateBuildHistoryRequest request) {
    String ref = request.getRef();
    if (request.getDelete()) {
      return finalized(ref).thenRun(() -> delete(ref));
    }
    if (request.getFinalize()) {
      return finalized(ref);
    }
    BuildHistoryRecord record = ended.get(ref);
    if (record == null) {
      throw new BuildException(
          Kind.NOT_FOUND,
          "failed to retrieve bucket for " + ref + ": no build with this ref is recorded");
    }
    tell(
        BuildHistoryEventType.COMPLETE,
        save(
            record.toBuilder()
                .setPinned(request.getPinned())
                .setGeneration(record.getGeneration() + 1)
                .build()));
    return CompletableFuture.allOf();
  }

  /** Ends when the build's trace is kept, which is not waited for any longer than needed. */
  private CompletionStage<Void> finalized(String ref) {
    Finalization running = finalizing.get(ref);
    if (running == null) {
      return CompletableFuture.allOf();
    }
    running.trace().hurry();
    return running.done();
  }

  /** Deletes a record, or has it deleted once nobody listens to this build any more. */
  private synchronized void delete(String ref) {
    if (listeners.stream().anyMatch(listener -> listener.ref().equals(ref))) {
      doomed.add(ref);
      return;
    }
    doomed.remove(ref);
    if (ended.remove(ref) != null) {
      unwritten.add(ref);
      writeOut();
      leases.unpin(PIN + ref);
      tell(BuildHistoryEventType.DELETED, BuildHistoryRecord.newBuilder().setRef(ref).build());
    }
  }

  /** Deletes the unpinned records beyond the limits, and writes what waits; called by a timer. */
  public synchronized void collect() {
    var byAge = new ArrayList<>(ended.values());
    byAge.sort(
        Comparator.comparing((BuildHistoryRecord r) -> Times.instant(r.getCompletedAt()))
            .reversed());
    int before = ended.size();
    Instant oldest = limits.maxAge().map(age -> clock.instant().minus(age)).orElse(Instant.MIN);
    for (int i = 0; i < byAge.size(); i++) {
      BuildHistoryRecord record = byAge.get(i);
      boolean many = limits.maxEntries().isEmpty() || i >= limits.maxEntries().get();
      boolean old =
          limits.maxAge().isEmpty() || Times.instant(record.getCompletedAt()).isBefore(oldest);
      boolean bounded = limits.maxAge().isPresent() || limits.maxEntries().isPresent();
      if (bounded && many && old && !record.getPinned()) {
        delete(record.getRef());
      }
    }
    writeOut();
    if (ended.size() < before) {
      LOG.atInfo()
          .addKeyValue("records", before - ended.size())
          .addKeyValue("maxAge", limits.maxAge().map(GoDuration::text).orElse("any"))
          .addKeyValue("maxEntries", limits.maxEntries().<Object>map(most -> most).orElse("any"))
          .log("history collected");
    }
  }

  private void tell(BuildHistoryEventType type, BuildHistoryRecord record) {
    for (Listener listener : listeners) {
      try {
        if (listener.filter().test(record)) {
          listener.to().accept(event(type, record));
        }
      } catch (RuntimeException e) { // one listener's, not the build's
        LOG.warn("a client that listens to builds could not be told of one", e);
      }
    }
  }

  private static BuildHistoryEvent event(BuildHistoryEventType type, BuildHistoryRecord record) {
    return BuildHistoryEvent.newBuilder().setType(type).setRecord(record).build();
  }

  /** Keeps what is known of the traces of builds that have just ended. Blocks. */
  @Override
  public void close() {
    List<Finalization> running;
    synchronized (this) {
      running = List.copyOf(finalizing.values());
    }
    running.forEach(each -> each.trace().hurry());
    try {
      CompletableFuture.allOf(
              running.stream().map(Finalization::done).toArray(CompletableFuture[]::new))
          .get(LAST_TRACES.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      LOG.warn("the last builds' traces are not kept", e);
    }
    synchronized (this) {
      writeOut();
      database.close();
    }
  }
}
