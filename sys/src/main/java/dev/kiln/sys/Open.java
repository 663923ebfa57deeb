package dev.kiln.sys;

/** Flags of {@code open(2)} ({@code asm/fcntl.h}) and {@code openat2(2)}. */
final class Open {
  static final int RDONLY = 0;
  static final int WRONLY = 1;
  static final int RDWR = 2;
  static final int CREAT = 0100;
  static final int EXCL = 0200;
  static final int NOCTTY = 0400;
  static final int TRUNC = 01000;
  static final int APPEND = 02000;
  static final int NONBLOCK = 04000;
  static final int DIRECTORY = Sysno.ARM64 ? 040000 : 0200000;
  static final int NOFOLLOW = Sysno.ARM64 ? 0100000 : 0400000;
  static final int NOATIME = 01000000;
  static final int CLOEXEC = 02000000;
  static final int PATH = 010000000;
  static final int TMPFILE = 020000000 | DIRECTORY;

  /** {@code openat2}: absolute and {@code ..} targets stay below the directory given. */
  static final long RESOLVE_IN_ROOT = 0x10;

  static final long RESOLVE_BENEATH = 0x08;
  static final long RESOLVE_NO_SYMLINKS = 0x04;
  static final long RESOLVE_NO_MAGICLINKS = 0x02;
  static final long RESOLVE_NO_XDEV = 0x01;

  private Open() {}
}
