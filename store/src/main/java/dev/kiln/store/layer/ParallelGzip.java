package dev.kiln.store.layer;

import dev.kiln.tracing.Blocking;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.zip.CRC32;

/**
 * One gzip member, packed on all cores: the input is cut into blocks of a fixed size, each packed
 * with the end of the one before it as its window, and the results are put together in order. The
 * bytes depend on the input and the level, not on the machine. Source: RFC 1951 and 1952. One
 * thread writes; {@link #close} ends the member and leaves the stream below open.
 */
final class ParallelGzip extends OutputStream {
  static final int BLOCK = 256 << 10;
  private static final int WORKERS = Math.max(1, Runtime.getRuntime().availableProcessors());

  /** Packs one block; made anew for each worker, used by it alone. */
  interface BlockPacker {
    /**
     * Packs {@code data[window, window + length)}, of which {@code data[0, window)} was packed
     * before it, so that it ends at a byte boundary.
     */
    Packed pack(byte[] data, int window, int length, boolean last);
  }

  /** Bytes in the first {@code length} places. */
  record Packed(byte[] bytes, int length) {}

  private record Job(
      byte[] data, int window, int length, boolean last, CompletableFuture<Packed> done) {}

  private static final int WINDOW = 32 << 10;
  private static final Job STOP = new Job(new byte[0], 0, 0, true, new CompletableFuture<>());

  private final OutputStream out;
  private final CRC32 crc = new CRC32();
  private final LinkedBlockingQueue<Job> jobs = new LinkedBlockingQueue<>();
  private final Deque<CompletableFuture<Packed>> pending = new ArrayDeque<>();
  private byte[] data = new byte[WINDOW + BLOCK];
  private int window;
  private int length;
  private long total;
  private boolean closed;

  ParallelGzip(OutputStream out, java.util.function.Supplier<BlockPacker> packers)
      throws IOException {
    this.out = out;
    // Before there are workers: nobody ends them where this finds no room.
    out.write(new byte[] {0x1f, (byte) 0x8b, 8, 0, 0, 0, 0, 0, 0, (byte) 0xff});
    for (int i = 0; i < WORKERS; i++) {
      BlockPacker packer = packers.get();
      try {
        Blocking.onPlatform("gzip-" + i, () -> work(packer));
      } catch (OutOfMemoryError e) { // no thread is left on the machine: fewer do it too
        if (i == 0) {
          throw e;
        }
        return;
      }
    }
  }

  private boolean work(BlockPacker packer) throws InterruptedException {
    while (true) {
      Job job = jobs.take();
      if (job == STOP) {
        return true;
      }
      try {
        job.done().complete(packer.pack(job.data(), job.window(), job.length(), job.last()));
      } catch (Throwable e) { // whoever waits for the block is told
        job.done().completeExceptionally(e);
      }
    }
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] from, int offset, int count) throws IOException {
    crc.update(from, offset, count);
    total += count;
    for (int done = 0; done < count; ) {
      if (length == BLOCK) {
        submit(false);
      }
      int some = Math.min(count - done, BLOCK - length);
      System.arraycopy(from, offset + done, data, window + length, some);
      length += some;
      done += some;
    }
  }

  private void submit(boolean last) throws IOException {
    var job = new Job(data, window, length, last, new CompletableFuture<>());
    jobs.add(job);
    pending.add(job.done());
    int keep = Math.min(WINDOW, length); // blocks are longer than the window, but for the last
    byte[] next = new byte[WINDOW + BLOCK];
    System.arraycopy(data, window + length - keep, next, 0, keep);
    data = next;
    window = keep;
    length = 0;
    while (pending.size() > 2 * WORKERS) {
      emit();
    }
  }

  private void emit() throws IOException {
    try {
      Packed packed = pending.remove().get();
      out.write(packed.bytes(), 0, packed.length());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException();
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    }
  }

  @Override
  public void close() throws IOException {
    if (closed) {
      return;
    }
    closed = true;
    try {
      submit(true);
      while (!pending.isEmpty()) {
        emit();
      }
      byte[] end = new byte[8];
      little(end, 0, crc.getValue());
      little(end, 4, total);
      out.write(end);
    } finally {
      for (int i = 0; i < WORKERS; i++) {
        jobs.add(STOP);
      }
    }
  }

  private static void little(byte[] to, int at, long value) {
    for (int i = 0; i < 4; i++) {
      to[at + i] = (byte) (value >>> 8 * i);
    }
  }
}
