package dev.kiln.gateway;

import java.io.InputStream;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * A process's input as it comes in messages. One thread writes and one reads; 64 messages wait at
 * most, then the writer does. Input for a process that has ended is dropped.
 */
final class StdinPipe extends InputStream {
  private static final byte[] END = new byte[0];
  private final LinkedBlockingQueue<byte[]> chunks = new LinkedBlockingQueue<>(64);
  private byte[] current = END;
  private int at;
  private boolean ended;
  private volatile boolean abandoned;

  /** Adds bytes; waits while there is no room. */
  void add(byte[] bytes) throws InterruptedException {
    if (bytes.length > 0 && !abandoned) {
      chunks.put(bytes);
    }
  }

  /** No more bytes will come. */
  void end() throws InterruptedException {
    if (!abandoned) {
      chunks.put(END);
    }
  }

  /** Nobody will read any more: a waiting writer goes on, and a reader finds the end. */
  void abandon() {
    abandoned = true;
    chunks.clear();
    chunks.offer(END);
  }

  @Override
  public int read() {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] to, int offset, int length) {
    if (ended) {
      return -1;
    }
    if (at == current.length) {
      try {
        current = chunks.take();
        at = 0;
      } catch (InterruptedException e) { // the process has ended
        Thread.currentThread().interrupt();
        ended = true;
        return -1;
      }
      if (current.length == 0) {
        ended = true;
        return -1;
      }
    }
    int n = Math.min(length, current.length - at);
    System.arraycopy(current, at, to, offset, n);
    at += n;
    return n;
  }
}
