package dev.kiln.actors;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;

/**
 * Holds one output stream of one step within {@link LogLimits}: what is too much is replaced by a
 * line that says so, and its last 256 KiB are kept for the case that the step fails. Not
 * thread-safe. Source: BuildKit v0.22.0, {@code util/progress/logs/logs.go}.
 */
final class LogClip {
  private static final int TAIL = 256 << 10;
  private final LogLimits limits;
  private long size;
  private boolean clipping;
  private byte[] tail = new byte[0];
  private boolean keepsTail;

  LogClip(LogLimits limits) {
    this.limits = limits;
  }

  /** What of {@code bytes} is shown, with the notice where it is cut. */
  byte[] take(byte[] bytes, Duration sinceStart) {
    long room = Long.MAX_VALUE;
    String reason = "";
    if (limits.bytesPerSecond().isPresent()) {
      long perSecond = limits.bytesPerSecond().getAsLong();
      long seconds = Math.max(1, (sinceStart.toNanos() + 999_999_999L) / 1_000_000_000L);
      room = seconds * perSecond;
      reason = bytes(perSecond) + "/s";
    }
    if (limits.sizeBytes().isPresent() && room > limits.sizeBytes().getAsLong()) {
      room = limits.sizeBytes().getAsLong();
      reason = bytes(room);
    }
    int shown = (int) Math.clamp(room - size, 0, bytes.length);
    size += bytes.length;
    boolean cut = shown < bytes.length;
    if (cut || keepsTail) {
      keepsTail = true;
      keep(bytes);
    }
    if (!cut) {
      clipping = false;
      return bytes;
    }
    byte[] head = Arrays.copyOf(bytes, shown);
    if (clipping) {
      return head;
    }
    clipping = true;
    byte[] notice =
        ("\n[output clipped, log limit " + reason + " reached]\n").getBytes(StandardCharsets.UTF_8);
    byte[] all = Arrays.copyOf(head, head.length + notice.length);
    System.arraycopy(notice, 0, all, head.length, notice.length);
    return all;
  }

  /** The end of what was cut; empty where nothing was. */
  byte[] tail() {
    return tail;
  }

  private void keep(byte[] bytes) {
    int from = Math.max(0, bytes.length - TAIL);
    int old = Math.min(tail.length, TAIL - (bytes.length - from));
    byte[] all = new byte[old + bytes.length - from];
    System.arraycopy(tail, tail.length - old, all, 0, old);
    System.arraycopy(bytes, from, all, old, bytes.length - from);
    tail = all;
  }

  private static String bytes(long count) {
    if (count >= 1 << 20) {
      return number(count / (double) (1 << 20)) + "MiB";
    }
    return count >= 1 << 10 ? number(count / (double) (1 << 10)) + "KiB" : count + "B";
  }

  private static String number(double value) {
    return value == Math.rint(value)
        ? Long.toString((long) value)
        : String.format(Locale.ROOT, "%.3f", value);
  }
}
