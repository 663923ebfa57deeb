package dev.kiln.store.layer;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.store.snapshot.LayerFormat;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Directories;
import dev.kiln.sys.Dirent;
import dev.kiln.sys.Errno;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.sys.SyscallException;
import dev.kiln.sys.Xattrs;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Unpacks one layer's tar. Into a layer directory it writes overlayfs' marks and needs no layer
 * below, so that all layers of an image unpack at once; the rare layer that cannot be understood
 * without those below it (a hard link or a path through a symlink into them) says so by {@link
 * NeedsLower}, and is unpacked again onto the mounted tree. Source: OCI image-spec, layer.md. One
 * thread; every path is resolved inside the root.
 */
public final class LayerUnpacker implements AutoCloseable {
  private static final String WHITEOUT = ".wh.";
  private static final String OPAQUE = ".wh..wh..opq";
  private static final String AUFS = ".wh..wh.";
  private static final int MAX_LINKS = 255;

  /** What names of directories may take that are kept to the end: about a million usual ones. */
  private static final long MAX_HELD_BYTES = 256 << 20;

  /** What keeping one costs besides its name. */
  private static final int HELD_BYTES = 100;

  /** Where the layer goes. */
  public enum Into {
    /** A layer directory: deletions become marks. */
    LAYER,
    /** A layer directory below which there is nothing: deletions have nothing to delete. */
    BOTTOM_LAYER,
    /** A writable tree that shows the layers below: deletions delete. */
    TREE
  }

  /** The layer refers to something in the layers below it. */
  public static final class NeedsLower extends IOException {
    private static final long serialVersionUID = 1L;

    NeedsLower(BytePath name) {
      super("needs the layers below it: " + name);
    }
  }

  private final Fd root;
  private final Into into;
  private final Set<BytePath> implicit = new LinkedHashSet<>();

  /** Of a tree, whose layers below must be told from what this one put there. */
  private final NavigableSet<String> written = new TreeSet<>();

  private final Set<BytePath> opaqueDone = new HashSet<>();
  private final Map<BytePath, long[]> directoryTimes = new HashMap<>();
  private final byte[] buffer = new byte[1 << 17];
  private BytePath openParentName = BytePath.EMPTY;
  private Fd openParent;
  private final long maxHeldBytes;
  private long heldBytes;
  private boolean rootWritten;
  private boolean opaque;

  public LayerUnpacker(Path root, Into into) throws IOException {
    this(root, into, MAX_HELD_BYTES);
  }

  LayerUnpacker(Path root, Into into, long maxHeldBytes) throws IOException {
    this.root = Fd.directory(root);
    this.into = into;
    this.maxHeldBytes = maxHeldBytes;
    this.openParent = this.root;
  }

  /**
   * Directories that no entry names, in the order they were made: their attributes are those of the
   * layers below, which the caller knows.
   */
  public List<BytePath> implicitDirectories() {
    return new ArrayList<>(implicit);
  }

  /** Whether the layer says anything of the root directory itself. */
  public boolean hasRootEntry() {
    return rootWritten;
  }

  /** Whether any directory was marked opaque. */
  public boolean hasOpaque() {
    return opaque;
  }

  /** Unpacks the whole stream. */
  public void unpack(InputStream tar) throws IOException, InterruptedException {
    var reader = new TarReader(tar);
    for (Optional<TarEntry> e = reader.next(); e.isPresent(); e = reader.next()) {
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      entry(e.get(), reader);
    }
    for (Map.Entry<BytePath, long[]> d : directoryTimes.entrySet()) {
      long[] time = d.getValue();
      BytePath path = d.getKey();
      try (Fd dir = root.openDirectoryInRoot(path.parent())) {
        dir.utimes(path.isEmpty() ? BytePath.of(".") : path.name(), time[0], (int) time[1]);
      } catch (SyscallException gone) {
        if (!LayerFormat.isAbsent(gone)) { // replaced by a later entry
          throw gone;
        }
      }
    }
  }

  private void entry(TarEntry entry, TarReader reader) throws IOException {
    BytePath path = clean(entry.name());
    if (path.isEmpty()) {
      if (entry.type() == TarEntry.DIRECTORY) {
        rootWritten = true;
        attributes(entry, root, BytePath.of("."));
        directoryTimes.put(path, new long[] {entry.mtimeSeconds(), entry.mtimeNanos()});
      }
      return;
    }
    Fd parent = parent(path.parent());
    BytePath name = path.name();
    if (name.startsWith(AUFS) && !name.equals(BytePath.of(OPAQUE))) {
      return; // bookkeeping of aufs
    }
    if (name.equals(BytePath.of(OPAQUE))) {
      opaque(path.parent(), parent);
    } else if (name.startsWith(WHITEOUT)) {
      byte[] whole = name.bytes();
      delete(
          path.parent(),
          parent,
          BytePath.ofBytes(java.util.Arrays.copyOfRange(whole, WHITEOUT.length(), whole.length)));
    } else {
      put(entry, path, parent, name, reader);
    }
  }

  private void opaque(BytePath path, Fd directory) throws IOException {
    switch (into) {
      case BOTTOM_LAYER -> {}
      case LAYER -> {
        opaque = true;
        LayerFormat.makeOpaque(reach(directory, BytePath.of(".")));
      }
      case TREE -> {
        if (!opaqueDone.add(path)) {
          return; // what is there since then is this layer's
        }
        hold(path);
        for (Dirent entry : directory.list()) {
          if (!isWritten(path.resolve(entry.name()))) {
            Directories.removeTree(directory, entry.name());
          }
        }
      }
    }
  }

  /** Whether this layer has put something at the path or below it. */
  private boolean isWritten(BytePath path) {
    String below = path.latin1() + "/";
    String next = written.ceiling(below);
    return written.contains(path.latin1()) || next != null && next.startsWith(below);
  }

  private void noteWritten(BytePath path) {
    if (into == Into.TREE && written.add(path.latin1())) {
      hold(path);
    }
  }

  /** Counts a path that is kept until the end. */
  private void hold(BytePath path) {
    heldBytes += path.length() + HELD_BYTES;
    if (heldBytes > maxHeldBytes) {
      throw new BuildException(
          Kind.INVALID,
          "a layer whose directories have names of more than "
              + maxHeldBytes
              + " bytes together is not unpacked");
    }
  }

  private void delete(BytePath parentPath, Fd parent, BytePath name) throws IOException {
    if (name.isEmpty() || name.equals(BytePath.of(".")) || name.equals(BytePath.of(".."))) {
      throw invalid("invalid whiteout name", name);
    }
    BytePath path = parentPath.resolve(name);
    switch (into) {
      case BOTTOM_LAYER -> {}
      case LAYER -> {
        if (!parent.exists(name)) {
          LayerFormat.whiteout(parent, name);
        } else if (parent.stat(name).isDirectory()) {
          opaque = true; // deletes what is below, not what this layer has put
          LayerFormat.makeOpaque(reach(parent, name));
        }
      }
      case TREE -> {
        if (!isWritten(path)) {
          Directories.removeTree(parent, name);
        }
      }
    }
  }

  private void put(TarEntry entry, BytePath path, Fd parent, BytePath name, TarReader reader)
      throws IOException {
    if (entry.type() == TarEntry.FILE && file(entry, parent, name, reader)) {
      noteWritten(path); // the common case, in as few calls as it takes
      return;
    }
    boolean directory = entry.type() == TarEntry.DIRECTORY;
    boolean hides = false;
    if (parent.exists(name)) {
      Stat there = parent.stat(name);
      if (!there.isDirectory() || !directory) {
        hides = directory && there.isWhiteout() && into == Into.LAYER;
        Directories.removeTree(parent, name);
        forgetBelow(path);
      }
    }
    switch (entry.type()) {
      case TarEntry.DIRECTORY -> {
        if (!parent.exists(name)) {
          parent.mkdir(name, 0700);
        }
        if (directoryTimes.put(path, new long[] {entry.mtimeSeconds(), entry.mtimeNanos()})
            == null) {
          hold(path);
        }
        implicit.remove(path);
        if (hides) {
          opaque = true;
          LayerFormat.makeOpaque(reach(parent, name));
        }
      }
      case TarEntry.FILE -> {
        if (!file(entry, parent, name, reader)) {
          throw new SyscallException("open", name.toString(), Errno.EEXIST);
        }
        noteWritten(path);
        return;
      }
      case TarEntry.SYMLINK -> parent.symlink(entry.linkname(), name);
      case TarEntry.HARD_LINK -> hardLink(entry, path, parent, name);
      case TarEntry.CHARACTER -> device(entry, parent, name, Stat.S_IFCHR);
      case TarEntry.BLOCK -> device(entry, parent, name, Stat.S_IFBLK);
      case TarEntry.FIFO -> parent.mknod(name, Stat.S_IFIFO | 0600, Stat.Device.NONE);
      default -> throw invalid("unhandled tar header type " + entry.type(), path);
    }
    noteWritten(path);
    if (entry.type() != TarEntry.HARD_LINK) {
      attributes(entry, parent, name);
      if (!directory) {
        parent.utimes(name, entry.mtimeSeconds(), entry.mtimeNanos());
      }
    }
  }

  private void forgetBelow(BytePath path) {
    if (openParentName.equals(path) || openParentName.startsWith(path + "/")) {
      closeParent();
    }
  }

  /**
   * Makes the file with all its attributes, through its descriptor where that is possible.
   *
   * @return whether the name was free; if not, nothing is done
   */
  private boolean file(TarEntry entry, Fd parent, BytePath name, TarReader reader)
      throws IOException {
    Fd made;
    try {
      made = parent.create(name, 0600);
    } catch (SyscallException e) {
      if (e.errno() == Errno.EEXIST) {
        return false;
      }
      throw e;
    }
    try (Fd file = made) {
      for (int n; (n = reader.read(buffer, 0, buffer.length)) > 0; ) {
        file.write(buffer, 0, n);
      }
      file.chown((int) entry.uid(), (int) entry.gid());
      file.chmod(entry.mode());
      xattrs(entry, parent, name);
      file.utimes(entry.mtimeSeconds(), entry.mtimeNanos());
    }
    return true;
  }

  private void hardLink(TarEntry entry, BytePath path, Fd parent, BytePath name)
      throws IOException {
    BytePath target = clean(entry.linkname());
    if (target.isEmpty()) {
      throw invalid("invalid hard link target", path);
    }
    BytePath dirName = target.parent();
    try (Fd dir = root.openDirectoryInRoot(dirName)) {
      dir.link(target.name(), parent, name);
    } catch (SyscallException e) {
      if (into == Into.LAYER && LayerFormat.isAbsent(e)) {
        throw new NeedsLower(target);
      }
      throw e;
    }
  }

  private static void device(TarEntry entry, Fd parent, BytePath name, int type)
      throws IOException {
    parent.mknod(
        name, type | 0600, new Stat.Device((int) entry.devMajor(), (int) entry.devMinor()));
  }

  private static void attributes(TarEntry entry, Fd parent, BytePath name) throws IOException {
    parent.chown(name, (int) entry.uid(), (int) entry.gid());
    if (entry.type() != TarEntry.SYMLINK) {
      parent.chmod(name, entry.mode());
    }
    xattrs(entry, parent, name);
  }

  private static void xattrs(TarEntry entry, Fd parent, BytePath name) throws IOException {
    for (Map.Entry<String, byte[]> xattr : entry.xattrs().entrySet()) { // chown drops capabilities
      if (LayerFormat.isInternal(xattr.getKey())) {
        continue;
      }
      try {
        Xattrs.set(reach(parent, name), xattr.getKey(), xattr.getValue());
      } catch (SyscallException e) {
        boolean unsupported =
            e.errno() == Errno.EOPNOTSUPP || e.errno() == Errno.EPERM && entry.type() != '0';
        if (!unsupported) {
          throw e;
        }
      }
    }
  }

  /**
   * The directory of that path inside the root, made where it is missing; cached while it lasts.
   */
  private Fd parent(BytePath path) throws IOException {
    if (path.equals(openParentName)) {
      return openParent;
    }
    closeParent();
    if (path.isEmpty()) {
      return root;
    }
    openParent = directory(path);
    openParentName = path;
    return openParent;
  }

  private void closeParent() {
    if (openParent != root) {
      openParent.close();
    }
    openParent = root;
    openParentName = BytePath.EMPTY;
  }

  private Fd directory(BytePath path) throws IOException {
    try {
      return root.openDirectoryInRoot(path);
    } catch (SyscallException e) {
      if (e.errno() == Errno.ENOENT) {
        makeMissing(path);
        return root.openDirectoryInRoot(path);
      }
      if (e.errno() == Errno.ENOTDIR && into != Into.LAYER) {
        throw invalid("not a directory in the way of an entry", path);
      }
      if (e.errno() == Errno.ENOTDIR) {
        throw new NeedsLower(path);
      }
      throw e;
    }
  }

  /** Makes a directory and those above it that are missing, through dangling links too. */
  private void makeMissing(BytePath path) throws IOException {
    var todo = new ArrayDeque<BytePath>(List.of(path));
    int links = 0;
    while (!todo.isEmpty()) {
      BytePath next = todo.element();
      if (isThere(next)) {
        todo.pop();
        continue;
      }
      BytePath up = next.parent();
      if (!isThere(up)) {
        todo.push(up);
        continue;
      }
      Optional<BytePath> target = makeOne(up, next.name());
      if (target.isPresent()) {
        if (++links > MAX_LINKS) {
          throw new SyscallException("open", path.toString(), Errno.ELOOP);
        }
        todo.push(target.get());
      }
    }
  }

  private boolean isThere(BytePath directory) throws IOException {
    if (directory.isEmpty()) {
      return true;
    }
    try {
      root.openDirectoryInRoot(directory).close();
      return true;
    } catch (SyscallException e) {
      if (e.errno() != Errno.ENOENT) {
        throw e;
      }
      return false;
    }
  }

  /** Makes one directory; where the name is a link to nowhere, returns what is to be made first. */
  private Optional<BytePath> makeOne(BytePath up, BytePath name) throws IOException {
    BytePath path = up.resolve(name);
    try (Fd dir = root.openDirectoryInRoot(up)) {
      if (!dir.exists(name)) {
        dir.mkdir(name, 0755);
        if (implicit.add(path)) {
          hold(path);
        }
      } else if (dir.stat(name).isSymlink()) { // to nowhere here: perhaps to something below
        if (into == Into.LAYER) {
          throw new NeedsLower(path);
        }
        BytePath target = dir.readlink(name);
        return Optional.of(clean(target.startsWith("/") ? target : up.resolve(target)));
      } else { // a whiteout: the directory is new
        dir.unlink(name);
        dir.mkdir(name, 0755);
        LayerFormat.makeOpaque(reach(dir, name));
        opaque = true;
      }
      return Optional.empty();
    }
  }

  /**
   * A path for the calls that take no descriptor: through the open parent, as a link inside the
   * root must not lead out of it.
   */
  private static BytePath reach(Fd parent, BytePath name) {
    return BytePath.of(parent.procPath()).resolve(name);
  }

  /** The name without leading slashes, {@code .} and empty parts; {@code ..} stays inside. */
  private static BytePath clean(BytePath name) {
    var parts = new ArrayList<String>();
    for (String part : name.latin1().split("/")) {
      if (part.equals("..")) {
        if (!parts.isEmpty()) {
          parts.removeLast();
        }
      } else if (!part.isEmpty() && !part.equals(".")) {
        parts.add(part);
      }
    }
    return BytePath.ofLatin1(String.join("/", parts));
  }

  private static BuildException invalid(String what, BytePath name) {
    return new BuildException(Kind.INVALID, what + ": " + name);
  }

  @Override
  public void close() {
    closeParent();
    root.close();
  }
}
