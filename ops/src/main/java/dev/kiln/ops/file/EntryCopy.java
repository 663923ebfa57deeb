package dev.kiln.ops.file;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.ops.file.RootedTree.Place;
import dev.kiln.sys.BuiltFiles;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Directories;
import dev.kiln.sys.Errno;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.sys.SyscallException;
import dev.kiln.sys.Xattrs;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;

/**
 * Copies single entries of a tree with all that belongs to them, as {@link TreeCopy} was asked to.
 * Hard links among those copied by one object stay links. Works on descriptors, so a symlink is
 * copied and never followed. One thread.
 */
final class EntryCopy {
  private record Link(BytePath path) {}

  private final RootedTree to;
  private final TreeCopy.Wanted wanted;
  private final Map<Stat.Inode, Link> links = new HashMap<>();

  EntryCopy(RootedTree to, TreeCopy.Wanted wanted) {
    this.to = to;
    this.wanted = wanted;
  }

  /**
   * Makes the directory where there is none.
   *
   * @return whether it was made
   */
  boolean directory(
      Fd parent, BytePath name, Stat stat, Optional<Stat> existing, boolean overwriteMode)
      throws SyscallException {
    if (existing.isEmpty()) {
      parent.mkdir(name, stat.permissions());
      return true;
    }
    if (!existing.get().isDirectory()) {
      throw new BuildException(
          Kind.UNKNOWN, "cannot copy to non-directory: " + shown(parent, name));
    }
    if (overwriteMode) {
      parent.chmod(name, stat.permissions());
    }
    return false;
  }

  /** What has the name already; nothing, once it is removed where that was asked for. */
  Optional<Stat> inTheWay(Fd into, BytePath name, Stat source) throws SyscallException {
    Optional<Stat> existing = RootedTree.stat(into, name);
    if (wanted.replaceExisting()
        && existing.isPresent()
        && !(source.isDirectory() && existing.get().isDirectory())) {
      Directories.removeTree(into, name);
      return Optional.empty();
    }
    return existing;
  }

  /**
   * Copies what is no directory.
   *
   * @param target where {@code as} is in the tree
   * @param existing what has the name already
   */
  void file(
      Fd source,
      BytePath name,
      Stat stat,
      Fd into,
      BytePath as,
      BytePath target,
      Optional<Stat> existing)
      throws SyscallException {
    if (existing.isPresent()) {
      if (existing.get().isDirectory()) {
        throw new BuildException(
            Kind.UNKNOWN, "cannot replace to directory " + shown(into, as) + " with file");
      }
      into.unlink(as);
    }
    switch (stat.type()) {
      case Stat.S_IFREG -> {
        if (linked(stat, into, as, target)) {
          return;
        }
        regular(source, name, stat, into, as);
        return;
      }
      case Stat.S_IFLNK -> into.symlink(source.readlink(name), as);
      case Stat.S_IFSOCK -> into.mknod(as, Stat.S_IFREG | stat.permissions(), Stat.Device.NONE);
      default -> into.mknod(as, stat.mode(), stat.rdev());
    }
    metadata(attributes(source, name), stat, into, as);
  }

  private boolean linked(Stat stat, Fd into, BytePath as, BytePath target) throws SyscallException {
    if (stat.nlink() < 2) {
      return false;
    }
    Link first = links.putIfAbsent(stat.inode(), new Link(target));
    if (first == null) {
      return false;
    }
    try (Place place = to.place(first.path())) {
      place.directory().link(place.name(), into, as);
    }
    return true;
  }

  private void regular(Fd source, BytePath name, Stat stat, Fd into, BytePath as)
      throws SyscallException {
    try (Fd in = BuiltFiles.open(source, name, stat);
        Fd out = into.create(as, 0600)) {
      if (stat.sizeBytes() > 0) {
        in.copyTo(out, stat.sizeBytes());
      }
      Stamp stamp = wanted.stamp();
      out.chown(
          stamp.owner().map(Stamp.User::uid).orElse(stat.uid()),
          stamp.owner().map(Stamp.User::gid).orElse(stat.gid()));
      out.chmod(permissions(stat));
      for (String key : Xattrs.list(in)) {
        Optional<byte[]> value = Xattrs.get(in, key);
        if (value.isPresent()) {
          try {
            Xattrs.set(out, key, value.get());
          } catch (SyscallException e) {
            ignoreUnsupported(e);
          }
        }
      }
      out.utimes(
          stamp.time().map(t -> t.getEpochSecond()).orElse(stat.mtimeSeconds()),
          stamp.time().map(t -> t.getNano()).orElse(stat.mtimeNanos()));
    }
  }

  /** The extended attributes of a name. */
  static SortedMap<String, byte[]> attributes(Fd directory, BytePath name) throws SyscallException {
    return Xattrs.all(BytePath.of(directory.procPath()).resolve(name));
  }

  /** Owner, permissions, extended attributes and time of what has just been made. */
  void metadata(SortedMap<String, byte[]> attributes, Stat stat, Fd into, BytePath as)
      throws SyscallException {
    Optional<Stamp.User> owner = wanted.stamp().owner();
    into.chown(
        as,
        owner.map(Stamp.User::uid).orElse(stat.uid()),
        owner.map(Stamp.User::gid).orElse(stat.gid()));
    if (!stat.isSymlink()) {
      into.chmod(as, permissions(stat));
    }
    for (var attribute : attributes.entrySet()) {
      try {
        Xattrs.set(
            BytePath.of(into.procPath()).resolve(as), attribute.getKey(), attribute.getValue());
      } catch (SyscallException e) {
        ignoreUnsupported(e);
      }
    }
    times(stat, into, as);
  }

  /** A file system that cannot keep an attribute is no reason to fail a build. */
  private static void ignoreUnsupported(SyscallException e) throws SyscallException {
    if (e.errno() != Errno.EOPNOTSUPP && e.errno() != Errno.EPERM) {
      throw e;
    }
  }

  void times(Stat stat, Fd into, BytePath as) throws SyscallException {
    if (wanted.stamp().time().isPresent()) {
      wanted.stamp().timeOn(into, as);
    } else {
      into.utimes(as, stat.mtimeSeconds(), stat.mtimeNanos());
    }
  }

  private int permissions(Stat stat) {
    return wanted
        .mode()
        .map(m -> m.apply(stat.permissions(), stat.isDirectory()))
        .orElse(stat.permissions());
  }

  private String shown(Fd parent, BytePath name) {
    return FileFailure.inside(parent.about() + "/" + name, List.of(to.mountedAt()));
  }
}
