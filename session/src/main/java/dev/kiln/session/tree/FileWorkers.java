package dev.kiln.session.tree;

import dev.kiln.sys.Fd;
import dev.kiln.sys.SyscallException;
import dev.kiln.tracing.Blocking;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Threads that write and hash received files. A file's parts go to one thread, in order. Bound:
 * {@value #BUDGET_BYTES} bytes not yet written; then {@link #write} waits. Fed by one thread, which
 * closes it; closing waits until nothing is written any more.
 */
final class FileWorkers implements AutoCloseable {
  private static final int THREADS = 2;
  private static final int BUDGET_BYTES = 32 << 20;

  /** What a file's part costs at least: queues of empty files are bounded too. */
  private static final int PART_BYTES = 512;

  private final TreeWriter writer;
  private final Optional<TreeChanges> changes;
  private final Consumer<Throwable> onFailure;
  private final Semaphore budget = new Semaphore(BUDGET_BYTES);
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private final List<Worker> workers = new ArrayList<>();

  /**
   * @param onFailure told once, by the thread that failed
   */
  FileWorkers(TreeWriter writer, Optional<TreeChanges> changes, Consumer<Throwable> onFailure) {
    this.writer = writer;
    this.changes = changes;
    this.onFailure = onFailure;
    for (int i = 0; i < THREADS; i++) {
      workers.add(new Worker("tree-writer-" + i));
    }
  }

  /** A file under way, known to the feeding thread and to its worker. */
  static final class File {
    final TreeEntry entry;
    final int worker;
    // The worker's own:
    private @Nullable Fd fd;
    private @Nullable MessageDigest hash;

    File(TreeEntry entry, int number) {
      this.entry = entry;
      this.worker = number % THREADS;
    }
  }

  private record Part(File file, byte[] bytes, int offset, int length, boolean last, int cost) {}

  /**
   * Writes a part; with {@code last} the file is complete after it.
   *
   * @param bytes not written to afterwards
   */
  void write(File file, byte[] bytes, int offset, int length, boolean last)
      throws InterruptedException {
    int cost = Math.min(BUDGET_BYTES, length + PART_BYTES);
    budget.acquire(cost);
    workers.get(file.worker).queue.put(new Part(file, bytes, offset, length, last, cost));
  }

  /** The failure of a worker, if one has failed. */
  @Nullable Throwable failure() {
    return failure.get();
  }

  /** Waits until all that was given is written; new parts may follow. */
  void drain() throws InterruptedException {
    budget.acquire(BUDGET_BYTES);
    budget.release(BUDGET_BYTES);
  }

  @Override
  public void close() {
    workers.forEach(Worker::stop);
    boolean interrupted = false;
    for (Worker worker : workers) {
      while (true) {
        try {
          worker.task.done().toCompletableFuture().get();
          break;
        } catch (ExecutionException e) {
          break; // reported by the worker itself
        } catch (InterruptedException e) {
          interrupted = true; // the directory must be at rest before its mount goes
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private final class Worker {
    final BlockingQueue<Part> queue = new LinkedBlockingQueue<>();
    final Blocking.Task<Boolean> task;
    private static final Part STOP =
        new Part(
            new File(TreeEntry.file(dev.kiln.sys.BytePath.EMPTY, 0, 0, 0), 0),
            new byte[0],
            0,
            0,
            true,
            0);

    Worker(String name) {
      task = Blocking.onPlatform(name, this::run);
    }

    void stop() {
      queue.add(STOP);
    }

    private Boolean run() throws InterruptedException {
      var open = new java.util.HashSet<File>();
      try {
        for (Part part = queue.take(); part != STOP; part = queue.take()) {
          try {
            if (failure.get() == null) {
              open.add(part.file());
              write(part);
              if (part.last()) {
                open.remove(part.file());
              }
            }
          } catch (Throwable e) { // also a bug: the feeding thread waits for this part
            if (failure.compareAndSet(null, e)) {
              onFailure.accept(e);
            }
          } finally {
            budget.release(part.cost());
          }
        }
      } finally {
        for (File file : open) { // of a transfer that was given up
          if (file.fd != null) {
            file.fd.close();
          }
        }
      }
      return true;
    }

    private void write(Part part) throws SyscallException {
      File file = part.file();
      Fd fd = file.fd;
      if (fd == null) {
        fd = writer.create(file.entry);
        file.fd = fd;
        file.hash = changes.map(c -> c.hasher(file.entry)).orElse(null);
      }
      if (part.length() > 0) {
        fd.write(part.bytes(), part.offset(), part.length());
        if (file.hash != null) {
          file.hash.update(part.bytes(), part.offset(), part.length());
        }
      }
      if (part.last()) {
        writer.finish(file.entry, fd);
        fd.close();
        file.fd = null;
        if (file.hash != null) {
          byte[] hash = file.hash.digest();
          changes.ifPresent(c -> c.changed(file.entry, hash));
        }
      }
    }
  }
}
