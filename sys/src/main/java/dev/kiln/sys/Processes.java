package dev.kiln.sys;

import dev.kiln.sys.Libc.Scratch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Signals to processes, and what they and their threads are set to. Any thread. */
public final class Processes {
  public static final int SIGHUP = 1;
  public static final int SIGINT = 2;
  public static final int SIGQUIT = 3;
  public static final int SIGKILL = 9;
  public static final int SIGTERM = 15;
  public static final int SIGWINCH = 28;

  private static final int PR_SET_CHILD_SUBREAPER = 36;
  private static final int PRIO_PROCESS = 0; // of one thread, on Linux

  private static final Path LOADAVG = Path.of("/proc/loadavg");

  private Processes() {}

  /** {@code kill(2)}; signal 0 only asks whether the process is there. */
  public static void kill(long pid, int signal) throws SyscallException {
    Libc.call(Sysno.KILL, pid, pid, signal, 0);
  }

  /** A descriptor that means this process even when its number is used again. Caller closes it. */
  public static Fd pidfd(long pid) throws SyscallException {
    return new Fd((int) Libc.call(Sysno.PIDFD_OPEN, pid, pid, 0, 0), "pid " + pid);
  }

  public static void signal(Fd pidfd, int signal) throws SyscallException {
    Libc.call(Sysno.PIDFD_SEND_SIGNAL, pidfd.about(), pidfd.number(), signal, 0);
  }

  /** Orphans below this process become its children. */
  public static void becomeSubreaper() throws SyscallException {
    Libc.call(Sysno.PRCTL, "", PR_SET_CHILD_SUBREAPER, 1, 0);
  }

  /**
   * Sets the niceness of one thread; to lower it takes a privilege.
   *
   * @param thread its number
   */
  public static void nice(int thread, int value) throws SyscallException {
    Libc.call(Sysno.SETPRIORITY, "thread " + thread, PRIO_PROCESS, thread, value);
  }

  /** Sets the mask of the whole process; returns the one before. */
  public static int umask(int mask) {
    try (var s = Scratch.take()) {
      return (int) s.call(Sysno.UMASK, mask, 0, 0, 0, 0, 0);
    }
  }

  /**
   * How many threads of the machine run or would like to, at this moment; 0 where the kernel does
   * not tell. Source: proc_loadavg(5), the fourth field.
   */
  public static int runnable() {
    try {
      String[] fields = Files.readString(LOADAVG).split(" ");
      return Integer.parseInt(fields[3].substring(0, fields[3].indexOf('/')));
    } catch (IOException | RuntimeException e) {
      return 0;
    }
  }

  /** The effective user of the process. */
  public static int effectiveUser() {
    try (var s = Scratch.take()) {
      return (int) s.call(Sysno.GETEUID, 0, 0, 0, 0, 0, 0);
    }
  }

  /** Whether the kernel runs programs of the x32 ABI. */
  public static boolean runsX32() {
    try (var s = Scratch.take()) {
      return s.call(Sysno.X32_GETPID, 0, 0, 0, 0, 0, 0) > 0;
    }
  }
}
