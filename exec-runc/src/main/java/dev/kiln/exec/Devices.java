package dev.kiln.exec;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Device nodes and capabilities of an insecure step. Pure but for reading {@code /sys} and {@code
 * /proc}. Rules: BuildKit v0.22 {@code util/entitlements/security/security_linux.go}.
 */
final class Devices {
  /** How many loop devices beyond the first free one a step may set up. */
  private static final int SPARE_LOOPS = 7;

  private static final List<Node> FIXED =
      List.of(
          new Node("/dev/kmsg", "c", 1, 11),
          new Node("/dev/cuse", "c", 10, 203),
          new Node("/dev/fuse", "c", 10, 229),
          new Node("/dev/kvm", "c", 10, 232),
          new Node("/dev/net/tun", "c", 10, 200),
          new Node("/dev/loop-control", "c", 10, 237));

  private static final List<String> CAPABILITIES =
      List.of( // by number, linux/capability.h
          "CAP_CHOWN",
          "CAP_DAC_OVERRIDE",
          "CAP_DAC_READ_SEARCH",
          "CAP_FOWNER",
          "CAP_FSETID",
          "CAP_KILL",
          "CAP_SETGID",
          "CAP_SETUID",
          "CAP_SETPCAP",
          "CAP_LINUX_IMMUTABLE",
          "CAP_NET_BIND_SERVICE",
          "CAP_NET_BROADCAST",
          "CAP_NET_ADMIN",
          "CAP_NET_RAW",
          "CAP_IPC_LOCK",
          "CAP_IPC_OWNER",
          "CAP_SYS_MODULE",
          "CAP_SYS_RAWIO",
          "CAP_SYS_CHROOT",
          "CAP_SYS_PTRACE",
          "CAP_SYS_PACCT",
          "CAP_SYS_ADMIN",
          "CAP_SYS_BOOT",
          "CAP_SYS_NICE",
          "CAP_SYS_RESOURCE",
          "CAP_SYS_TIME",
          "CAP_SYS_TTY_CONFIG",
          "CAP_MKNOD",
          "CAP_LEASE",
          "CAP_AUDIT_WRITE",
          "CAP_AUDIT_CONTROL",
          "CAP_SETFCAP",
          "CAP_MAC_OVERRIDE",
          "CAP_MAC_ADMIN",
          "CAP_SYSLOG",
          "CAP_WAKE_ALARM",
          "CAP_BLOCK_SUSPEND",
          "CAP_AUDIT_READ",
          "CAP_PERFMON",
          "CAP_BPF",
          "CAP_CHECKPOINT_RESTORE");

  private Devices() {}

  /** A device node; {@code type} is {@code c} or {@code b}. */
  record Node(String path, String type, int major, int minor) {}

  static List<Node> insecure() {
    var nodes = new ArrayList<>(FIXED);
    int free = 0;
    while (Files.exists(Path.of("/sys/block/loop" + free + "/loop/backing_file"))) {
      free++;
    }
    for (int i = 0; i <= free + SPARE_LOOPS; i++) {
      nodes.add(new Node("/dev/loop" + i, "b", 7, i));
    }
    return List.copyOf(nodes);
  }

  /**
   * The names of the capabilities that this process has.
   *
   * @param status text of {@code /proc/self/status}
   */
  static List<String> capabilities(String status) {
    long mask =
        status
            .lines()
            .filter(line -> line.startsWith("CapEff:"))
            .map(line -> Long.parseUnsignedLong(line.substring(7).strip(), 16))
            .findFirst()
            .orElse(0L);
    var names = new ArrayList<String>();
    for (int i = 0; i < CAPABILITIES.size(); i++) {
      if ((mask >>> i & 1) == 1) {
        names.add(CAPABILITIES.get(i));
      }
    }
    return List.copyOf(names);
  }
}
