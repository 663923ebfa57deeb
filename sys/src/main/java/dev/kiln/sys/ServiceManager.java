package dev.kiln.sys;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * Tells systemd how the service is (sd_notify(3)): one datagram to the socket it names in {@code
 * NOTIFY_SOCKET}. The JDK has no datagrams over unix sockets. Any thread.
 */
public final class ServiceManager {
  private static final int AF_UNIX = 1;
  private static final int SOCK_DGRAM_CLOEXEC = 2 | 02000000;
  private static final int PATH_OFFSET = 2;
  private static final int MAX_PATH = 107;
  private static final int MESSAGE_OFFSET = 256;

  private ServiceManager() {}

  /**
   * @param socket a path, or an abstract name after {@code @}
   * @param state such as {@code READY=1}
   */
  public static void tell(String socket, String state) throws SyscallException {
    byte[] name = socket.getBytes(StandardCharsets.UTF_8);
    byte[] message = state.getBytes(StandardCharsets.UTF_8);
    if (name.length > MAX_PATH) {
      throw new SyscallException("sendto", socket, Errno.ENAMETOOLONG);
    }
    if (name.length > 0 && name[0] == '@') {
      name[0] = 0;
    }
    int number = (int) Libc.call(Sysno.SOCKET, socket, AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
    try (var s = Libc.Scratch.take()) {
      MemorySegment buffer = s.buffer;
      buffer.set(ValueLayout.JAVA_SHORT, 0, (short) AF_UNIX);
      MemorySegment.copy(name, 0, buffer, ValueLayout.JAVA_BYTE, PATH_OFFSET, name.length);
      MemorySegment.copy(message, 0, buffer, ValueLayout.JAVA_BYTE, MESSAGE_OFFSET, message.length);
      Libc.check(
          Sysno.SENDTO,
          socket,
          s.call(
              Sysno.SENDTO,
              number,
              buffer.address() + MESSAGE_OFFSET,
              message.length,
              0,
              buffer.address(),
              PATH_OFFSET + name.length));
    } finally {
      Libc.call(Sysno.CLOSE, socket, number, 0, 0);
    }
  }
}
