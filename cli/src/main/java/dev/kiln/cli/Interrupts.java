package dev.kiln.cli;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/**
 * SIGINT, SIGTERM and SIGHUP of the {@code kiln} process. The first interrupts the thread that
 * builds, which then leaves the terminal in order; the second ends the process at once. A signal
 * that whoever started us ignores, as {@code nohup} does, stays ignored. Any thread.
 */
final class Interrupts {
  private static final int SIGNALED = 128; // as shells have it
  private static final AtomicInteger RECEIVED = new AtomicInteger();

  private Interrupts() {}

  static void deliverTo(Thread thread) {
    for (String name : List.of("INT", "TERM", "HUP")) {
      SignalHandler before = Signal.handle(new Signal(name), signal -> receive(signal, thread));
      if (before == SignalHandler.SIG_IGN) {
        Signal.handle(new Signal(name), SignalHandler.SIG_IGN);
      }
    }
  }

  private static void receive(Signal signal, Thread thread) {
    int code = SIGNALED + signal.getNumber();
    if (!RECEIVED.compareAndSet(0, code)) {
      Runtime.getRuntime().halt(code);
    }
    thread.interrupt();
  }

  /** The exit code of a command that was interrupted. */
  static int exitCode() {
    int received = RECEIVED.get();
    return received == 0 ? 1 : received;
  }
}
