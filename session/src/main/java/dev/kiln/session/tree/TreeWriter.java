package dev.kiln.session.tree;

import dev.kiln.sys.BytePath;
import dev.kiln.sys.Directories;
import dev.kiln.sys.Errno;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.sys.SyscallException;
import dev.kiln.sys.Xattrs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Puts entries on disk with exact metadata, with as few system calls as each needs. Paths are
 * relative to the root, and their directories are real ones that the transfer has seen, so no
 * symlink is followed. Any thread, different entries at once.
 */
final class TreeWriter {
  private static final int UMASK = umask();
  private final Fd root;
  private final int ownUid;
  private final int ownGid;
  // A directory with set-gid hands its group on, so owners can no longer be taken for granted.
  private volatile boolean groupsInherited;

  TreeWriter(Fd root) throws SyscallException {
    this.root = root;
    Stat self = Fd.CWD.statFollowing(BytePath.of("/proc/self"));
    this.ownUid = self.uid();
    this.ownGid = self.gid();
    this.groupsInherited = (root.stat().mode() & Stat.S_ISGID) != 0;
  }

  private static int umask() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith("Umask:")) {
          return Integer.parseInt(line.substring(6).strip(), 8);
        }
      }
    } catch (IOException | NumberFormatException _) {
      // unknown: then no permission is taken for granted
    }
    return 0777;
  }

  Fd root() {
    return root;
  }

  void remove(BytePath path) throws SyscallException {
    Directories.removeTree(root, path);
  }

  /** Makes a directory; one that is there already only gets the metadata. */
  void directory(TreeEntry e) throws SyscallException {
    boolean existed = false;
    try {
      root.mkdir(e.path(), GoMode.permissions(e.mode()));
    } catch (SyscallException failure) {
      if (failure.errno() != Errno.EEXIST) {
        throw failure;
      }
      existed = true;
      if (!root.stat(e.path()).isDirectory()) {
        remove(e.path());
        root.mkdir(e.path(), GoMode.permissions(e.mode()));
      }
    }
    if ((e.mode() & GoMode.SETGID) != 0) {
      groupsInherited = true;
    }
    if (existed || groupsInherited || !isOwn(e)) {
      root.chown(e.path(), e.uid(), e.gid());
    }
    root.chmod(e.path(), GoMode.permissions(e.mode()));
    xattrs(e);
  }

  void directoryTime(TreeEntry e) throws SyscallException {
    root.utimes(e.path(), e.mtimeSeconds(), e.mtimeNanosOfSecond());
  }

  void symlink(TreeEntry e) throws SyscallException {
    retryReplacing(e, () -> root.symlink(e.linkname(), e.path()));
    ownerOf(e);
    xattrs(e);
    root.utimes(e.path(), e.mtimeSeconds(), e.mtimeNanosOfSecond());
  }

  void special(TreeEntry e) throws SyscallException {
    var device = new Stat.Device((int) e.devMajor(), (int) e.devMinor());
    retryReplacing(e, () -> root.mknod(e.path(), GoMode.toUnix(e.mode()), device));
    ownerOf(e);
    root.chmod(e.path(), GoMode.permissions(e.mode()));
    xattrs(e);
    root.utimes(e.path(), e.mtimeSeconds(), e.mtimeNanosOfSecond());
  }

  void hardLink(TreeEntry e) throws SyscallException {
    retryReplacing(e, () -> root.link(e.linkname(), root, e.path()));
  }

  /** An empty file to be written to, in place of what was there; {@link #finish} it. */
  Fd create(TreeEntry e) throws SyscallException {
    int mode = e.mode() & GoMode.PERMISSIONS;
    try {
      return root.create(e.path(), mode);
    } catch (SyscallException failure) {
      if (failure.errno() != Errno.EEXIST) {
        throw failure;
      }
      remove(e.path());
      return root.create(e.path(), mode);
    }
  }

  /** Gives the written file its metadata. */
  void finish(TreeEntry e, Fd file) throws SyscallException {
    if (groupsInherited || !isOwn(e)) {
      file.chown(e.uid(), e.gid());
    }
    int permissions = GoMode.permissions(e.mode());
    if ((permissions & UMASK) != 0 || permissions != (permissions & GoMode.PERMISSIONS)) {
      file.chmod(permissions); // after chown, which takes set-id bits away
    }
    xattrs(e);
    file.utimes(e.mtimeSeconds(), e.mtimeNanosOfSecond());
  }

  private boolean isOwn(TreeEntry e) {
    return e.uid() == ownUid && e.gid() == ownGid;
  }

  private void ownerOf(TreeEntry e) throws SyscallException {
    if (groupsInherited || !isOwn(e)) {
      root.chown(e.path(), e.uid(), e.gid());
    }
  }

  // What this file system or these rights refuse is left out: files from a Mac carry such names.
  private void xattrs(TreeEntry e) throws SyscallException {
    for (var x : e.xattrs().entrySet()) {
      try {
        Xattrs.set(BytePath.of(root.procPath()).resolve(e.path()), x.getKey(), x.getValue());
      } catch (SyscallException failure) {
        int errno = failure.errno();
        if (errno != Errno.EOPNOTSUPP && errno != Errno.EPERM && errno != Errno.EINVAL) {
          throw failure;
        }
      }
    }
  }

  @FunctionalInterface
  private interface Make {
    void run() throws SyscallException;
  }

  private void retryReplacing(TreeEntry e, Make make) throws SyscallException {
    try {
      make.run();
    } catch (SyscallException failure) {
      if (failure.errno() != Errno.EEXIST) {
        throw failure;
      }
      remove(e.path());
      make.run();
    }
  }
}
