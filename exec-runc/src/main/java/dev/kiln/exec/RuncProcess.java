package dev.kiln.exec;

import dev.kiln.sys.Fd;
import dev.kiln.sys.Processes;
import dev.kiln.sys.SyscallException;
import dev.kiln.sys.Terminals;
import dev.kiln.tracing.Blocking;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.ProcessBuilder.Redirect;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One runc in the foreground, whose exit code is the container process's, with the threads that
 * carry its input and output. {@link #await} is called once, by one thread; the rest by any.
 */
final class RuncProcess implements RunningProcess {
  private static final Logger LOG = LoggerFactory.getLogger(RuncProcess.class);
  private static final int CHUNK_BYTES = 32 << 10;
  private static final long KILL_AGAIN_MILLIS = 50;

  /** After so many kills without effect runc itself is ended. */
  private static final int PATIENCE = 100;

  /** Ends the process in the container; may find that it is not there yet. */
  interface Killer {
    void kill(long runcPid) throws IOException;
  }

  private final Process process;
  private final Killer killer;
  private final Optional<Terminal> terminal;
  private final List<Blocking.Task<Void>> drains;
  private final Optional<Blocking.Task<Void>> feeder;

  /** Both ends of a pseudo terminal; our hold on the slave keeps output until it has been read. */
  private record Terminal(Terminals.Pair pair, Fd slave) {}

  private RuncProcess(
      Process process,
      Killer killer,
      Optional<Terminal> terminal,
      List<Blocking.Task<Void>> drains,
      Optional<Blocking.Task<Void>> feeder) {
    this.process = process;
    this.killer = killer;
    this.terminal = terminal;
    this.drains = drains;
    this.feeder = feeder;
  }

  static RuncProcess start(
      List<String> command, boolean withTerminal, ProcessIo io, String name, Killer killer)
      throws IOException {
    return withTerminal
        ? startInTerminal(command, io, name, killer)
        : startWithPipes(command, io, name, killer);
  }

  private static ProcessBuilder builder(List<String> command) {
    var builder = new ProcessBuilder(command);
    String path = System.getenv("PATH");
    builder.environment().clear(); // runc needs nothing of ours, and secrets stay here
    builder.environment().put("PATH", path == null ? "/usr/sbin:/usr/bin:/sbin:/bin" : path);
    builder.environment().put("GOGC", "off"); // it lives too briefly to collect
    return builder;
  }

  private static RuncProcess startWithPipes(
      List<String> command, ProcessIo io, String name, Killer killer) throws IOException {
    ProcessBuilder builder = builder(command);
    if (io.stdin().isEmpty()) {
      builder.redirectInput(Redirect.from(new java.io.File("/dev/null")));
    }
    Process process = builder.start();
    var drains =
        List.of(
            drain(name + "-stdout", process.getInputStream(), io.stdout()),
            drain(name + "-stderr", process.getErrorStream(), io.stderr()));
    return new RuncProcess(
        process,
        killer,
        Optional.empty(),
        drains,
        io.stdin().map(in -> feed(name + "-stdin", in, process.getOutputStream(), true)));
  }

  /**
   * The slave is opened by a shell that then becomes runc: if this process, possibly a session
   * leader, opened it by the JDK's means, it would become its controlling terminal.
   */
  private static RuncProcess startInTerminal(
      List<String> command, ProcessIo io, String name, Killer killer) throws IOException {
    Terminals.Pair pair = Terminals.open();
    Fd slave;
    Process process;
    try {
      slave = pair.openSlave();
      var wrapped = new ArrayList<>(List.of("/bin/sh", "-c"));
      wrapped.add("exec \"$@\" <>" + pair.slave() + " >&0 2>&0");
      wrapped.add("runc");
      wrapped.addAll(command);
      process =
          builder(wrapped)
              .redirectInput(Redirect.from(new java.io.File("/dev/null")))
              .redirectOutput(Redirect.DISCARD)
              .redirectError(Redirect.DISCARD)
              .start();
    } catch (IOException e) {
      pair.close();
      throw e;
    }
    InputStream output = terminalOutput(pair.master());
    return new RuncProcess(
        process,
        killer,
        Optional.of(new Terminal(pair, slave)),
        List.of(drain(name + "-tty", output, io.stdout())),
        io.stdin().map(in -> feed(name + "-stdin", in, pair.master().output(), false)));
  }

  /** The master's bytes; EIO is how the kernel says that nobody has the slave open any more. */
  private static InputStream terminalOutput(Fd master) {
    return new InputStream() {
      @Override
      public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
      }

      @Override
      public int read(byte[] to, int offset, int length) throws IOException {
        try {
          return master.read(to, offset, length);
        } catch (SyscallException e) {
          return -1;
        }
      }
    };
  }

  private static Blocking.Task<Void> drain(String name, InputStream from, ProcessIo.Sink to) {
    return Blocking.onPlatform(
        name,
        () -> {
          byte[] buffer = new byte[CHUNK_BYTES];
          boolean wanted = true;
          try {
            for (int n; (n = from.read(buffer)) >= 0; ) {
              if (wanted && n > 0) {
                try {
                  to.write(Arrays.copyOf(buffer, n));
                } catch (RuntimeException e) {
                  wanted = false; // go on reading, or the process would block on a full pipe
                  LOG.debug("output of {} is not wanted any more", name, e);
                }
              }
            }
          } finally {
            to.end();
          }
          return null;
        });
  }

  private static Blocking.Task<Void> feed(
      String name, InputStream from, OutputStream to, boolean closeAtEnd) {
    return Blocking.onPlatform(
        name,
        () -> {
          byte[] buffer = new byte[CHUNK_BYTES];
          try {
            for (int n; (n = from.read(buffer)) >= 0; ) {
              to.write(buffer, 0, n);
              to.flush();
            }
          } catch (IOException e) {
            LOG.debug(
                "{} ends early: {}", name, e.getMessage()); // the process does not read it all
          } finally {
            if (closeAtEnd) {
              closeQuietly(to);
            }
          }
          return null;
        });
  }

  private static void closeQuietly(OutputStream stream) {
    try {
      stream.close();
    } catch (IOException e) {
      LOG.debug("a closed pipe cannot be flushed: {}", e.getMessage());
    }
  }

  /**
   * Waits for the end of the process and of its output.
   *
   * @return its exit code
   * @throws InterruptedException when interrupted: after the process has been killed and has ended
   */
  int await() throws InterruptedException {
    boolean interrupted = false;
    int code;
    try {
      code = process.waitFor();
    } catch (InterruptedException e) {
      interrupted = true;
      code = endByForce();
    }
    feeder.ifPresent(Blocking.Task::interrupt);
    terminal.ifPresent(t -> t.slave().close());
    for (Blocking.Task<Void> drain : drains) {
      interrupted |= awaitUninterrupted(drain);
    }
    terminal.ifPresent(t -> t.pair().close());
    if (interrupted) {
      throw new InterruptedException("the process was killed");
    }
    return code;
  }

  private int endByForce() {
    for (int tries = 1; ; tries++) {
      try {
        if (tries > PATIENCE) {
          process.descendants().forEach(ProcessHandle::destroyForcibly);
          process.destroyForcibly();
        } else {
          killer.kill(process.pid());
        }
      } catch (IOException e) {
        LOG.debug("the process cannot be killed yet", e);
      }
      try {
        if (process.waitFor(KILL_AGAIN_MILLIS, TimeUnit.MILLISECONDS)) {
          return process.exitValue();
        }
      } catch (InterruptedException e) {
        LOG.trace("interrupted once more; the end is waited for all the same");
      }
    }
  }

  /** Whether an interrupt came meanwhile. */
  private static boolean awaitUninterrupted(Blocking.Task<Void> task) {
    boolean interrupted = false;
    while (true) {
      try {
        task.done().toCompletableFuture().get();
        return interrupted;
      } catch (InterruptedException e) {
        interrupted = true;
      } catch (ExecutionException e) {
        LOG.warn("output was lost", e.getCause());
        return interrupted;
      }
    }
  }

  @Override
  public void signal(Signal signal) {
    try {
      if (!process.isAlive()) {
        return;
      }
      if (signal == Signal.KILL) {
        killer.kill(process.pid()); // sent to runc it would leave the container without its keeper
      } else {
        Processes.kill(process.pid(), signal.number()); // runc passes it on
      }
    } catch (IOException e) {
      LOG.debug("signal {} finds no process", signal, e);
    }
  }

  @Override
  public void resize(int rows, int columns) {
    if (terminal.isEmpty()) {
      return;
    }
    try {
      Terminals.resize(terminal.get().pair().master(), new Terminals.Size(rows, columns));
    } catch (SyscallException | IllegalStateException e) {
      LOG.debug("no terminal to resize any more", e);
      return;
    }
    signal(Signal.WINCH);
  }
}
