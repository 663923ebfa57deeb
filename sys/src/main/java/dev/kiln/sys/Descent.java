package dev.kiln.sys;

import java.util.ArrayList;
import java.util.List;

/**
 * A way down a tree of any depth: the directory one stands in, and those above it. Only the
 * innermost {@value #OPEN} are open; one further up is opened again by {@code ..} when the way
 * leads back, and it must be the same directory then. Names are single ones and symlinks are not
 * followed, so neither depth nor {@code PATH_MAX} is a bound. One thread; whoever made it closes
 * it, which leaves the root open.
 */
public final class Descent implements AutoCloseable {
  /** Descriptors that a way down holds at most, besides the root. */
  public static final int OPEN = 64;

  private static final int DIRECTORY = Open.RDONLY | Open.DIRECTORY | Open.NOFOLLOW;

  private final Fd root;
  private final List<Level> levels = new ArrayList<>();

  /** A directory on the way; known by its inode while it is not open. */
  private static final class Level {
    private Fd fd;
    private Stat.Inode inode = new Stat.Inode(Stat.Device.NONE, 0);
    private boolean open = true;

    Level(Fd fd) {
      this.fd = fd;
    }

    void shut() throws SyscallException {
      inode = fd.stat().inode();
      close();
    }

    void close() {
      open = false;
      fd.close();
    }

    void reopen(Fd child) throws SyscallException {
      Fd again = child.open(BytePath.of(".."), DIRECTORY, 0, fd.about());
      if (!again.stat().inode().equals(inode)) {
        again.close();
        throw new SyscallException("open", fd.about(), Errno.ESTALE); // moved meanwhile
      }
      fd = again;
      open = true;
    }
  }

  /**
   * @param root where the way begins; the caller closes it afterwards
   */
  public Descent(Fd root) {
    this.root = root;
  }

  /** How many directories below the root one stands. */
  public int depth() {
    return levels.size();
  }

  /** The directory one stands in; do not close it. Open until the next step. */
  public Fd here() {
    return levels.isEmpty() ? root : levels.getLast().fd;
  }

  /**
   * Goes into a directory of the one one stands in.
   *
   * @throws SyscallException {@code ENOTDIR} for anything else, a symlink too; one stays then
   */
  public void enter(BytePath name) throws SyscallException {
    levels.add(new Level(here().open(name, DIRECTORY, 0)));
    int outside = levels.size() - 1 - OPEN;
    if (outside >= 0) {
      levels.get(outside).shut();
    }
  }

  /** Goes back to the directory above. */
  public void leave() throws SyscallException {
    Level left = levels.removeLast();
    try {
      if (!levels.isEmpty() && !levels.getLast().open) {
        levels.getLast().reopen(left.fd);
      }
    } finally {
      left.close();
    }
  }

  @Override
  public void close() {
    levels.forEach(Level::close);
    levels.clear();
  }
}
