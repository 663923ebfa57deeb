package dev.kiln.session.tree;

import dev.kiln.sys.Stat;

/**
 * The bits of Go's {@code os.FileMode}, in which modes cross the wire, and their translation. Bits:
 * Go 1.24, {@code io/fs/fs.go}. Stateless.
 */
public final class GoMode {
  public static final int DIRECTORY = 1 << 31;
  public static final int SYMLINK = 1 << 27;
  public static final int DEVICE = 1 << 26;
  public static final int NAMED_PIPE = 1 << 25;
  public static final int SOCKET = 1 << 24;
  public static final int SETUID = 1 << 23;
  public static final int SETGID = 1 << 22;
  public static final int CHAR_DEVICE = 1 << 21;
  public static final int STICKY = 1 << 20;
  public static final int IRREGULAR = 1 << 19;
  public static final int PERMISSIONS = 0777;

  /** All bits that say what sort of file it is; none is a regular file. */
  public static final int TYPE =
      DIRECTORY | SYMLINK | DEVICE | NAMED_PIPE | SOCKET | CHAR_DEVICE | IRREGULAR;

  private GoMode() {}

  /** From {@code st_mode}. */
  public static int ofUnix(int mode) {
    int type =
        switch (mode & Stat.S_IFMT) {
          case Stat.S_IFDIR -> DIRECTORY;
          case Stat.S_IFLNK -> SYMLINK;
          case Stat.S_IFBLK -> DEVICE;
          case Stat.S_IFCHR -> DEVICE | CHAR_DEVICE;
          case Stat.S_IFIFO -> NAMED_PIPE;
          case Stat.S_IFSOCK -> SOCKET;
          default -> 0;
        };
    return type
        | mode & PERMISSIONS
        | ((mode & Stat.S_ISUID) != 0 ? SETUID : 0)
        | ((mode & Stat.S_ISGID) != 0 ? SETGID : 0)
        | ((mode & Stat.S_ISVTX) != 0 ? STICKY : 0);
  }

  /** To {@code st_mode}. */
  public static int toUnix(int mode) {
    int type;
    if ((mode & DIRECTORY) != 0) {
      type = Stat.S_IFDIR;
    } else if ((mode & SYMLINK) != 0) {
      type = Stat.S_IFLNK;
    } else if ((mode & CHAR_DEVICE) != 0) {
      type = Stat.S_IFCHR;
    } else if ((mode & DEVICE) != 0) {
      type = Stat.S_IFBLK;
    } else if ((mode & NAMED_PIPE) != 0) {
      type = Stat.S_IFIFO;
    } else if ((mode & SOCKET) != 0) {
      type = Stat.S_IFSOCK;
    } else {
      type = Stat.S_IFREG;
    }
    return type | permissions(mode);
  }

  /** The permission bits with set-id and sticky, as {@code chmod} takes them. */
  public static int permissions(int mode) {
    return mode & PERMISSIONS
        | ((mode & SETUID) != 0 ? Stat.S_ISUID : 0)
        | ((mode & SETGID) != 0 ? Stat.S_ISGID : 0)
        | ((mode & STICKY) != 0 ? Stat.S_ISVTX : 0);
  }
}
