package dev.kiln.exec;

import java.io.InputStream;
import java.util.Optional;

/**
 * Where a process's bytes come from and go to. The sinks are called on platform threads of the
 * executor, one a stream, and may block to slow the process down; the executor closes nothing but
 * reads {@code stdin} to its end, to the end of the process at the latest. With a terminal, all
 * output goes to {@code stdout}.
 */
public record ProcessIo(Optional<InputStream> stdin, Sink stdout, Sink stderr) {
  /** Takes the bytes of one stream in order. */
  public interface Sink {
    /** The array is the sink's to keep. */
    void write(byte[] bytes);

    /** The stream has ended; called once. */
    default void end() {}
  }

  /** A sink that drops everything. */
  public static final Sink NOWHERE = bytes -> {};

  /** Without input. */
  public static ProcessIo output(Sink stdout, Sink stderr) {
    return new ProcessIo(Optional.empty(), stdout, stderr);
  }
}
