package dev.kiln.sys;

/** Flags of {@code open(2)} ({@code asm/fcntl.h}) and {@code openat2(2)}. */
public final class Open {
  public static final int RDONLY = 0;
  public static final int WRONLY = 1;
  public static final int RDWR = 2;
  public static final int CREAT = 0100;
  public static final int EXCL = 0200;
  public static final int NOCTTY = 0400;
  public static final int TRUNC = 01000;
  public static final int APPEND = 02000;
  public static final int NONBLOCK = 04000;
  public static final int DIRECTORY = Sysno.ARM64 ? 040000 : 0200000;
  public static final int NOFOLLOW = Sysno.ARM64 ? 0100000 : 0400000;
  public static final int NOATIME = 01000000;
  public static final int CLOEXEC = 02000000;
  public static final int PATH = 010000000;
  public static final int TMPFILE = 020000000 | DIRECTORY;

  /** {@code openat2}: absolute and {@code ..} targets stay below the directory given. */
  public static final long RESOLVE_IN_ROOT = 0x10;

  public static final long RESOLVE_BENEATH = 0x08;
  public static final long RESOLVE_NO_SYMLINKS = 0x04;
  public static final long RESOLVE_NO_MAGICLINKS = 0x02;
  public static final long RESOLVE_NO_XDEV = 0x01;

  private Open() {}
}
