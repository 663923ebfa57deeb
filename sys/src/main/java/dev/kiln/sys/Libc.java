package dev.kiln.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * The one downcall: {@code syscall(2)} with seven longs. One handle for everything keeps start-up
 * short (each further handle shape costs milliseconds). Any thread; a call holds a virtual thread's
 * carrier while it blocks.
 */
final class Libc {
  private static final Linker.Option CAPTURE = Linker.Option.captureCallState("errno");
  private static final MemoryLayout STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
  private static final MethodHandle SYSCALL = handle();

  private Libc() {}

  private static MethodHandle handle() {
    var linker = Linker.nativeLinker();
    var l = ValueLayout.JAVA_LONG;
    return linker.downcallHandle(
        linker
            .defaultLookup()
            .find("syscall")
            .orElseThrow(() -> new UnsupportedOperationException("libc has no syscall()")),
        FunctionDescriptor.of(l, l, l, l, l, l, l, l),
        CAPTURE);
  }

  /**
   * Memory that a call needs: errno, two paths, a buffer. Borrowed from a pool for a call's length,
   * because thread-locals would pile up with virtual threads. Used by one thread at a time.
   */
  static final class Scratch implements AutoCloseable {
    static final int PATH_BYTES = 1 << 13;
    static final int BUFFER_BYTES = 1 << 17;
    private static final ConcurrentLinkedQueue<Scratch> POOL = new ConcurrentLinkedQueue<>();
    private final MemorySegment state = Arena.ofAuto().allocate(STATE);
    private final MemorySegment pathA = Arena.ofAuto().allocate(PATH_BYTES, 8);
    private final MemorySegment pathB = Arena.ofAuto().allocate(PATH_BYTES, 8);
    final MemorySegment buffer = Arena.ofAuto().allocate(BUFFER_BYTES, 16);

    private Scratch() {}

    static Scratch take() {
      Scratch s = POOL.poll();
      return s == null ? new Scratch() : s;
    }

    @Override
    public void close() {
      POOL.add(this);
    }

    /** Copies {@code path} in and returns its address. */
    long pathA(BytePath path) throws SyscallException {
      return path(pathA, path);
    }

    long pathB(BytePath path) throws SyscallException {
      return path(pathB, path);
    }

    private static long path(MemorySegment to, BytePath path) throws SyscallException {
      byte[] raw = path.raw();
      if (raw.length >= PATH_BYTES) {
        throw new SyscallException("path", path.toString(), Errno.ENAMETOOLONG);
      }
      MemorySegment.copy(raw, 0, to, ValueLayout.JAVA_BYTE, 0, raw.length);
      to.set(ValueLayout.JAVA_BYTE, raw.length, (byte) 0);
      return to.address();
    }

    /** The call's result, or minus its errno; started again when a signal interrupts it. */
    long call(Sysno call, long a, long b, long c, long d, long e, long f) {
      while (true) {
        long result = once(call, a, b, c, d, e, f);
        if (result != -Errno.EINTR || call == Sysno.CLOSE) {
          return result;
        }
      }
    }

    private long once(Sysno call, long a, long b, long c, long d, long e, long f) {
      try {
        long result = (long) SYSCALL.invokeExact(state, (long) call.number(), a, b, c, d, e, f);
        return result == -1 ? -(long) (int) ERRNO.get(state, 0L) : result;
      } catch (Throwable t) {
        throw new AssertionError(t); // a wrong signature here, never an answer of the kernel
      }
    }
  }

  /** A call whose arguments are numbers only. */
  static long call(Sysno call, Object about, long a, long b, long c) throws SyscallException {
    try (var s = Scratch.take()) {
      return check(call, about, s.call(call, a, b, c, 0, 0, 0));
    }
  }

  /** {@code result}, or its errno as an exception that names {@code about}. */
  static long check(Sysno call, Object about, long result) throws SyscallException {
    if (result < 0) {
      throw new SyscallException(call.call(), about.toString(), (int) -result);
    }
    return result;
  }
}
