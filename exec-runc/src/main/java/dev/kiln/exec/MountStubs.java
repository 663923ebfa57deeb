package dev.kiln.exec;

import dev.kiln.sys.BytePath;
import dev.kiln.sys.Errno;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.sys.SyscallException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Mount points that exist in a root directory only because something is mounted there while a step
 * runs. They are made before the step and taken away after it, and the modification time of the
 * directory around them is put back both times, so that the step's layer shows nothing of them. A
 * stub that the step has filled stays. One thread.
 */
final class MountStubs {
  private static final Logger LOG = LoggerFactory.getLogger(MountStubs.class);
  private static final List<String> NOT_IN_ROOTFS = List.of("proc", "dev", "sys");

  /**
   * Where something will be mounted.
   *
   * @param permissions of a directory that is made for it: a memory file system takes them over
   *     (runc v1.1 {@code libcontainer/rootfs_linux.go})
   */
  record Point(String destination, boolean directory, int permissions) {
    Point(String destination, boolean directory) {
      this(destination, directory, 0755);
    }

    /** Of a memory file system: where nothing was, everybody may write, as in {@code /tmp}. */
    static Point ofMemory(String destination) {
      return new Point(destination, true, 01777);
    }
  }

  private final RootFiles files;
  private final List<BytePath> stubs;

  private MountStubs(RootFiles files, List<BytePath> stubs) {
    this.files = files;
    this.stubs = stubs;
  }

  /**
   * Makes the points that are missing, except those that lie in another mount.
   *
   * @param recursive whether parents that were missing are stubs too
   */
  static MountStubs make(RootFiles files, List<Point> points, boolean recursive)
      throws SyscallException {
    Set<BytePath> stubs = new HashSet<>();
    var targets = new ArrayList<BytePath>();
    for (Point point : points) {
      targets.add(files.resolve(point.destination()));
    }
    Set<BytePath> mounts = new HashSet<>(targets);
    for (int i = 0; i < points.size(); i++) {
      BytePath target = targets.get(i);
      if (target.isEmpty() || liesInMount(target, mounts) || files.exists(target)) {
        continue;
      }
      if (recursive) {
        for (BytePath p = target; !files.exists(p); p = p.parent()) {
          stubs.add(p);
        }
      } else {
        stubs.add(target);
      }
      make(files, target, points.get(i));
    }
    return new MountStubs(
        files, stubs.stream().sorted(Comparator.<BytePath>naturalOrder().reversed()).toList());
  }

  private static boolean liesInMount(BytePath target, Set<BytePath> mounts) {
    String path = target.latin1();
    if (NOT_IN_ROOTFS.stream().anyMatch(m -> path.equals(m) || path.startsWith(m + "/"))) {
      return true;
    }
    for (BytePath p = target.parent(); !p.isEmpty(); p = p.parent()) {
      if (mounts.contains(p)) {
        return true;
      }
    }
    return false;
  }

  private static void make(RootFiles files, BytePath target, Point point) throws SyscallException {
    BytePath first = target;
    while (!files.exists(first.parent())) {
      first = first.parent();
    }
    keepingTime(
        files.directory(),
        first.parent(),
        () -> {
          if (point.directory()) {
            files.makeDirectories(target, 0, 0);
            files.directory().chmod(target, point.permissions());
          } else {
            files.makeDirectories(target.parent(), 0, 0);
            files.directory().create(target, 0644).close();
          }
        });
  }

  /** Takes the stubs away; what cannot be removed stays and is logged. */
  void remove() {
    for (BytePath stub : stubs) { // children before parents
      try {
        if (files.resolve("/" + stub).equals(stub) && files.exists(stub)) {
          remove(stub);
        }
      } catch (SyscallException e) {
        LOG.warn("mount point {} stays in the layer: {}", stub, e.getMessage());
      }
    }
  }

  private void remove(BytePath stub) throws SyscallException {
    Fd root = files.directory();
    Stat stat = root.stat(stub);
    if (!stat.isDirectory() && stat.sizeBytes() != 0) {
      return;
    }
    try {
      keepingTime(
          root,
          stub.parent(),
          () -> {
            if (stat.isDirectory()) {
              root.rmdir(stub);
            } else {
              root.unlink(stub);
            }
          });
    } catch (SyscallException e) {
      if (e.errno() != Errno.ENOTEMPTY) {
        throw e;
      }
    }
  }

  private interface Change {
    void run() throws SyscallException;
  }

  private static void keepingTime(Fd root, BytePath directory, Change change)
      throws SyscallException {
    BytePath name = directory.isEmpty() ? BytePath.of(".") : directory;
    Stat before = root.stat(name);
    change.run();
    root.utimes(name, before.mtimeSeconds(), before.mtimeNanos());
  }
}
