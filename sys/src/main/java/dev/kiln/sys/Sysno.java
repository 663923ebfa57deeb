package dev.kiln.sys;

/**
 * System call numbers, from the kernel's {@code syscall_64.tbl} and {@code asm-generic/unistd.h}.
 * Those from 424 on are equal everywhere.
 */
enum Sysno {
  READ(0, 63),
  WRITE(1, 64),
  CLOSE(3, 57),
  LSEEK(8, 62),
  IOCTL(16, 29),
  PREAD64(17, 67),
  PWRITE64(18, 68),
  SOCKET(41, 198),
  SENDTO(44, 206),
  KILL(62, 129),
  FCNTL(72, 25),
  FLOCK(73, 32),
  FSYNC(74, 82),
  FDATASYNC(75, 83),
  FTRUNCATE(77, 46),
  FCHMOD(91, 52),
  FCHOWN(93, 55),
  UMASK(95, 166),
  GETEUID(107, 175),
  PRCTL(157, 167),
  SYNC(162, 81),
  STATFS(137, 43),
  SETPRIORITY(141, 140),
  MOUNT(165, 40),
  UMOUNT2(166, 39),
  SETXATTR(188, 5),
  LSETXATTR(189, 6),
  FSETXATTR(190, 7),
  GETXATTR(191, 8),
  LGETXATTR(192, 9),
  FGETXATTR(193, 10),
  LISTXATTR(194, 11),
  LLISTXATTR(195, 12),
  FLISTXATTR(196, 13),
  REMOVEXATTR(197, 14),
  LREMOVEXATTR(198, 15),
  FREMOVEXATTR(199, 16),
  GETDENTS64(217, 61),
  OPENAT(257, 56),
  MKDIRAT(258, 34),
  MKNODAT(259, 33),
  FCHOWNAT(260, 54),
  UNLINKAT(263, 35),
  LINKAT(265, 37),
  SYMLINKAT(266, 36),
  READLINKAT(267, 78),
  FCHMODAT(268, 53),
  UNSHARE(272, 97),
  UTIMENSAT(280, 88),
  FALLOCATE(285, 47),
  SYNCFS(306, 267),
  SETNS(308, 268),
  RENAMEAT2(316, 276),
  MEMFD_CREATE(319, 279),
  COPY_FILE_RANGE(326, 285),
  STATX(332, 291),
  PIDFD_SEND_SIGNAL(424, 424),
  OPEN_TREE(428, 428),
  MOVE_MOUNT(429, 429),
  FSOPEN(430, 430),
  FSCONFIG(431, 431),
  FSMOUNT(432, 432),
  FSPICK(433, 433),
  PIDFD_OPEN(434, 434),
  CLOSE_RANGE(436, 436),
  OPENAT2(437, 437),
  MOUNT_SETATTR(442, 442),
  /** getpid of the x32 ABI: a number no other kernel knows. */
  X32_GETPID(0x40000000 + 39, 0x40000000 + 39);

  /** Whether this is arm64; a few open flags differ there too. */
  static final boolean ARM64 = arm64();

  private final int number;

  Sysno(int amd64, int arm64) {
    this.number = architecture().equals("aarch64") ? arm64 : amd64;
  }

  int number() {
    return number;
  }

  /** The call's name as the kernel spells it. */
  String call() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }

  private static boolean arm64() {
    return architecture().equals("aarch64");
  }

  private static String architecture() {
    String arch = System.getProperty("os.arch", "");
    if (!arch.equals("amd64") && !arch.equals("aarch64")) {
      throw new UnsupportedOperationException("no system call table for the architecture " + arch);
    }
    return arch;
  }
}
