package dev.kiln.sys;

import dev.kiln.sys.Libc.Scratch;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/** Pseudo terminals. Any thread; callers close what they open. */
public final class Terminals {
  private static final int TIOCGWINSZ = 0x5413;
  private static final int TIOCSWINSZ = 0x5414;
  private static final int TIOCGPTN = 0x80045430;
  private static final int TIOCSPTLCK = 0x40045431;

  private Terminals() {}

  /** The size of a terminal in characters. */
  public record Size(int rows, int columns) {}

  /** A pair's master end and the path of the other. */
  public record Pair(Fd master, java.nio.file.Path slave) implements AutoCloseable {
    /** Opens the other end, not as controlling terminal either; the caller closes it. */
    public Fd openSlave() throws SyscallException {
      return Fd.CWD.open(BytePath.of(slave), Open.RDWR | Open.NOCTTY, 0);
    }

    @Override
    public void close() {
      master.close();
    }
  }

  /** Opens a new pair; never as controlling terminal, or its end would take the daemon along. */
  public static Pair open() throws SyscallException {
    Fd master = Fd.CWD.open(BytePath.of("/dev/ptmx"), Open.RDWR | Open.NOCTTY, 0);
    try (var s = Scratch.take()) {
      s.buffer.set(ValueLayout.JAVA_INT, 0, 0);
      Libc.check(
          Sysno.IOCTL,
          "/dev/ptmx",
          s.call(Sysno.IOCTL, master.number(), TIOCSPTLCK, s.buffer.address(), 0, 0, 0));
      Libc.check(
          Sysno.IOCTL,
          "/dev/ptmx",
          s.call(
              Sysno.IOCTL, master.number(), TIOCGPTN & 0xffffffffL, s.buffer.address(), 0, 0, 0));
      int number = s.buffer.get(ValueLayout.JAVA_INT, 0);
      return new Pair(master, java.nio.file.Path.of("/dev/pts/" + number));
    } catch (SyscallException e) {
      master.close();
      throw e;
    }
  }

  public static Size size(Fd terminal) throws SyscallException {
    try (var s = Scratch.take()) {
      Libc.check(
          Sysno.IOCTL,
          terminal.about(),
          s.call(Sysno.IOCTL, terminal.number(), TIOCGWINSZ, s.buffer.address(), 0, 0, 0));
      return new Size(
          s.buffer.get(ValueLayout.JAVA_SHORT, 0) & 0xffff,
          s.buffer.get(ValueLayout.JAVA_SHORT, 2) & 0xffff);
    }
  }

  /** The size of the terminal behind standard error; empty where that is no terminal. */
  public static Optional<Size> sizeOfStandardError() {
    try {
      return Optional.of(size(new Fd(2, "standard error")));
    } catch (SyscallException noTerminal) {
      return Optional.empty();
    }
  }

  public static void resize(Fd terminal, Size size) throws SyscallException {
    try (var s = Scratch.take()) {
      s.buffer.set(ValueLayout.JAVA_LONG, 0, 0);
      s.buffer.set(ValueLayout.JAVA_SHORT, 0, (short) size.rows());
      s.buffer.set(ValueLayout.JAVA_SHORT, 2, (short) size.columns());
      Libc.check(
          Sysno.IOCTL,
          terminal.about(),
          s.call(Sysno.IOCTL, terminal.number(), TIOCSWINSZ, s.buffer.address(), 0, 0, 0));
    }
  }
}
