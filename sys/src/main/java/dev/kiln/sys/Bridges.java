package dev.kiln.sys;

import dev.kiln.sys.Libc.Scratch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Ethernet bridges of the network namespace that the process is in. Any thread. */
public final class Bridges {
  private static final int AF_INET = 2;
  private static final int SOCK_DGRAM_CLOEXEC = 2 | 02000000;
  private static final int SIOCSIFFLAGS = 0x8914;
  private static final int SIOCBRDELBR = 0x89a1;

  /** {@code struct ifreq}: the name, then what the request is about. */
  private static final int IFNAMSIZ = 16;

  private Bridges() {}

  public static boolean exists(String name) {
    return Files.isDirectory(Path.of("/sys/class/net", name, "bridge"));
  }

  /** Takes the bridge down and removes it. */
  public static void remove(String name) throws SyscallException {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    if (bytes.length >= IFNAMSIZ) {
      throw new SyscallException("ioctl", name, Errno.EINVAL);
    }
    int number = (int) Libc.call(Sysno.SOCKET, name, AF_INET, SOCK_DGRAM_CLOEXEC, 0);
    try (Fd socket = new Fd(number, name);
        var s = Scratch.take()) {
      s.buffer.asSlice(0, 2L * IFNAMSIZ).fill((byte) 0); // no flag: not up
      MemorySegment.copy(bytes, 0, s.buffer, ValueLayout.JAVA_BYTE, 0, bytes.length);
      for (int request : new int[] {SIOCSIFFLAGS, SIOCBRDELBR}) {
        long r = s.call(Sysno.IOCTL, socket.number(), request, s.buffer.address(), 0, 0, 0);
        Libc.check(Sysno.IOCTL, name, r);
      }
    }
  }
}
