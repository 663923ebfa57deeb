package dev.kiln.exec;

import java.util.Locale;
import java.util.Optional;

/** A signal by its Linux number. Immutable. Numbers: signal(7), x86 and arm64. */
public enum Signal {
  HUP(1),
  INT(2),
  QUIT(3),
  ILL(4),
  TRAP(5),
  ABRT(6),
  BUS(7),
  FPE(8),
  KILL(9),
  USR1(10),
  SEGV(11),
  USR2(12),
  PIPE(13),
  ALRM(14),
  TERM(15),
  STKFLT(16),
  CHLD(17),
  CONT(18),
  STOP(19),
  TSTP(20),
  TTIN(21),
  TTOU(22),
  URG(23),
  XCPU(24),
  XFSZ(25),
  VTALRM(26),
  PROF(27),
  WINCH(28),
  IO(29),
  PWR(30),
  SYS(31);

  private final int number;

  Signal(int number) {
    this.number = number;
  }

  public int number() {
    return number;
  }

  /**
   * The signal of that name, with or without {@code SIG}, in any case; empty for an unknown one.
   */
  public static Optional<Signal> named(String name) {
    String upper = name.toUpperCase(Locale.ROOT);
    String bare = upper.startsWith("SIG") ? upper.substring(3) : upper;
    for (Signal s : values()) {
      if (s.name().equals(bare)) {
        return Optional.of(s);
      }
    }
    return bare.equals("POLL")
        ? Optional.of(IO)
        : bare.equals("CLD") ? Optional.of(CHLD) : Optional.empty();
  }
}
