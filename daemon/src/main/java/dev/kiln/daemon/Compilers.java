package dev.kiln.daemon;

import dev.kiln.control.Builds;
import dev.kiln.grpc.control.SolveRequest;
import dev.kiln.grpc.control.SolveResponse;
import dev.kiln.sys.Errno;
import dev.kiln.sys.Processes;
import dev.kiln.sys.SyscallException;
import dev.kiln.tracing.Blocking;
import io.opentelemetry.context.Context;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has the JVM's compilers step back in a warm daemon, where a short build gains nothing from code
 * that is compiled beside it, and come forward for as long as a long one runs (ADR 0010). Any
 * thread. Does nothing where the process may not raise its threads' priority again.
 */
final class Compilers {
  private static final Logger LOG = LoggerFactory.getLogger(Compilers.class);
  private static final Duration LONG = Duration.ofMillis(250);
  private static final int FORWARD = 0;
  private static final int BACK = 10;
  private static final int UNKNOWN = -1;

  /** Sets the niceness of all compilers' threads. */
  interface Threads {
    void nice(int value) throws IOException;
  }

  private final Threads threads;
  private final Duration longer;
  private boolean warm;
  private int longBuilds;
  private int current = FORWARD;

  Compilers() {
    this(Compilers::nice, LONG);
  }

  /**
   * @param longer how long a build is short
   */
  Compilers(Threads threads, Duration longer) {
    this.threads = threads;
    this.longer = longer;
  }

  /** From now on they step back. */
  synchronized void warm() {
    try {
      threads.nice(FORWARD + 1);
      threads.nice(FORWARD); // who may not do this could not bring them forward again
      warm = true;
    } catch (IOException e) {
      LOG.debug("compilers keep their priority", e);
    }
    settle();
  }

  /** The same builds, for which compilers come forward when they are long. */
  Builds around(Builds builds) {
    return (request, caller) -> solve(builds, request, caller);
  }

  private SolveResponse solve(Builds builds, SolveRequest request, Context caller)
      throws Exception {
    var isLong =
        new CompletableFuture<Boolean>()
            .completeOnTimeout(true, longer.toNanos(), TimeUnit.NANOSECONDS);
    CompletionStage<?> told =
        isLong.thenAccept(yes -> {
          if (yes) {
            changeSoon(1);
          }
        });
    try {
      return builds.solve(request, caller);
    } finally {
      if (!isLong.complete(false)) {
        told.thenRun(() -> changeSoon(-1));
      }
    }
  }

  /** How many builds they are forward for. */
  synchronized int longBuilds() {
    return longBuilds;
  }

  /** Not on the timer's thread nor in a build's way. */
  private void changeSoon(int builds) {
    Blocking.start(
        "compilers",
        () -> {
          synchronized (this) {
            longBuilds += builds;
            settle();
          }
          return true;
        });
  }

  private void settle() {
    int wanted = warm && longBuilds <= 0 ? BACK : FORWARD;
    if (wanted == current) {
      return;
    }
    try {
      threads.nice(wanted);
      current = wanted;
    } catch (IOException e) {
      current = UNKNOWN;
      LOG.warn("the compilers' priority could not be set to {}", wanted, e);
    }
  }

  /** By the names that the JVM gives its threads; threads come and go while they are listed. */
  private static void nice(int value) throws IOException {
    try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
      for (Path thread : all) {
        if (isCompiler(thread)) {
          setNice(Integer.parseInt(thread.getFileName().toString()), value);
        }
      }
    }
  }

  private static boolean isCompiler(Path thread) {
    try {
      String name = Files.readString(thread.resolve("comm"), StandardCharsets.UTF_8);
      return name.startsWith("C1 Compiler") || name.startsWith("C2 Compiler");
    } catch (IOException e) {
      return false; // it has ended
    }
  }

  private static void setNice(int thread, int value) throws SyscallException {
    try {
      Processes.nice(thread, value);
    } catch (SyscallException e) {
      if (e.errno() != Errno.ESRCH) { // it has ended
        throw e;
      }
    }
  }
}
