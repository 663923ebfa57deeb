package dev.kiln.store;

import dev.kiln.model.EpochSeconds;
import dev.kiln.store.records.Database;
import dev.kiln.sys.Fd;
import dev.kiln.tracing.Blocking;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings files to the disk behind the builds, and knows what was there for sure when the machine
 * died (ADR 0004): when nothing has changed for a while, or at the latest some of these later, the
 * file system is synced and the number of the newest record before it is written down. After a
 * crash of the process alone nothing is lost and nothing is dropped; after one of the machine,
 * records newer than that number are dropped at the next start.
 */
final class Durability {
  private static final Logger LOG = LoggerFactory.getLogger(Durability.class);
  private static final String BOOT = "boot_id";
  private static final String CLEAN = "clean";
  private static final String SEQ = "durable_seq";
  private static final String TIME = "durable_time";

  /** A sync holds up whoever makes files, so busy times are left alone for so many intervals. */
  private static final int MOST_INTERVALS = 6;

  private final Database database;
  private final RefTable table;
  private final Path root;
  private final String bootId;
  private final Optional<Duration> every;
  private final CountDownLatch stopping = new CountDownLatch(1);
  private Blocking.@Nullable Task<Boolean> task;
  private long synced = -1;
  private boolean failing;

  Durability(
      Database database, RefTable table, Path root, String bootId, Optional<Duration> every) {
    this.database = database;
    this.table = table;
    this.root = root;
    this.bootId = bootId;
    this.every = every;
  }

  /**
   * What can be relied on.
   *
   * @param durableSeq records up to it are whole
   * @param verifyBlobsSince blobs written since then may not be; empty where all are
   */
  record LastRun(long durableSeq, Optional<Instant> verifyBlobsSince) {}

  LastRun lastRun() {
    Map<String, String> meta = new HashMap<>();
    database.load(
        "SELECT key, value FROM meta",
        row -> meta.put(row.getString("key"), row.getString("value")));
    boolean sameBoot = bootId.equals(meta.get(BOOT));
    boolean clean = "true".equals(meta.get(CLEAN));
    if (meta.isEmpty() || sameBoot || clean) {
      return new LastRun(Long.MAX_VALUE, Optional.empty());
    }
    long seq = number(meta, SEQ);
    Instant time = EpochSeconds.instant(number(meta, TIME)).orElse(Instant.EPOCH);
    LOG.warn("the machine stopped while a daemon ran; records newer than {} are dropped", time);
    return new LastRun(seq, Optional.of(time));
  }

  /** 0 where it is damaged: then nothing is relied on. */
  private static long number(Map<String, String> meta, String key) {
    try {
      return Long.parseLong(meta.getOrDefault(key, "0"));
    } catch (NumberFormatException e) {
      LOG.warn("the records' {} is damaged", key);
      return 0;
    }
  }

  /** Begins the work behind the builds, where there is any. */
  void start() {
    note(CLEAN, "false");
    note(BOOT, bootId);
    every.ifPresent(this::syncEvery);
  }

  private void syncEvery(Duration every) {
    task =
        Blocking.onPlatform(
            "store-sync",
            () -> {
              long seen = synced;
              int waited = 0;
              while (!stopping.await(every.toMillis(), TimeUnit.MILLISECONDS)) {
                long seq = table.locked(table::seq);
                waited++;
                if (seq == seen || waited >= MOST_INTERVALS) {
                  sync();
                  waited = 0;
                }
                seen = seq;
              }
              return true;
            });
  }

  private void note(String key, String value) {
    database.write("INSERT OR REPLACE INTO meta VALUES (?,?)", key, value);
  }

  private void sync() throws InterruptedException {
    long seq = table.locked(table::seq);
    if (seq == synced || every.isEmpty()) {
      return;
    }
    Instant time = table.now();
    try {
      database.flush();
      try (Fd fd = Fd.directory(root)) {
        fd.syncfs();
      }
      note(SEQ, Long.toString(seq));
      note(TIME, Long.toString(time.getEpochSecond()));
      synced = seq;
      failing = false;
    } catch (IOException | RuntimeException e) { // the next interval tries again
      if (!failing) {
        LOG.error("the store was not synced", e);
      }
      failing = true;
    }
  }

  /** Syncs a last time: after it the next start relies on everything. */
  void stop() {
    stopping.countDown();
    try {
      if (task != null) {
        task.done().toCompletableFuture().get();
      }
      sync();
      note(CLEAN, "true");
      database.flush();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | RuntimeException e) { // the rest is closed all the same
      LOG.error("the store was not synced", e);
    }
  }
}
