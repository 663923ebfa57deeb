package dev.kiln.store.snapshot;

import dev.kiln.store.snapshot.MergedTree.Node;
import dev.kiln.sys.BuiltFiles;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.sys.SyscallException;
import dev.kiln.sys.Xattrs;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What one tree adds to, changes of and deletes from another, told in walk order (a directory
 * before what is in it, names sorted by bytes). Files that both hold in the same layer are equal
 * without a look. Else the rule is that of containerd (continuity {@code fs/diff.go} and BuildKit
 * v0.22 {@code util/overlay}): owner, mode, device, capabilities, size, time; the bytes decide only
 * where times have no nanoseconds.
 */
public final class TreeDiff {
  private final MergedTree lower;
  private final MergedTree upper;
  private final Receiver to;

  private TreeDiff(MergedTree lower, MergedTree upper, Receiver to) {
    this.lower = lower;
    this.upper = upper;
    this.to = to;
  }

  /** Takes the differences. */
  public interface Receiver {
    /**
     * An entry of the upper tree that is new or changed; for a directory, its own attributes only.
     *
     * @param replaces whether a directory takes the place of something that is no directory, or the
     *     other way round
     */
    void put(Node node, boolean replaces) throws IOException;

    /** A name of the lower tree that the upper one has no more. */
    void delete(BytePath path) throws IOException;
  }

  /** Tells {@code to} every difference below the roots; the roots' own attributes are left out. */
  public static void between(MergedTree lower, MergedTree upper, Receiver to) throws IOException {
    new TreeDiff(lower, upper, to).directory(lower.root(), upper.root());
  }

  /** Tells the differences between what is in two directories. */
  public static void between(
      MergedTree lower, Node lowerDir, MergedTree upper, Node upperDir, Receiver to)
      throws IOException {
    new TreeDiff(lower, upper, to).directory(Optional.of(lowerDir), Optional.of(upperDir));
  }

  /** A directory under way. */
  private static final class Comparing {
    /** What the lower tree has in it that was not met yet, by name. */
    final TreeMap<BytePath, Node> old = new TreeMap<>();

    final Iterator<Node> now;

    Comparing(List<Node> old, List<Node> now) {
      old.forEach(node -> this.old.put(node.path().name(), node));
      this.now = now.iterator();
    }
  }

  private void directory(Optional<Node> lowest, Optional<Node> highest) throws IOException {
    var way = new ArrayDeque<Comparing>(); // innermost first: depth is a tree's to choose
    enter(lowest, highest, way);
    while (!way.isEmpty()) {
      Comparing at = way.element();
      if (!at.now.hasNext()) {
        way.pop();
        for (Node gone : at.old.values()) {
          to.delete(gone.path());
        }
        continue;
      }
      Node above = at.now.next();
      BytePath name = above.path().name();
      while (!at.old.isEmpty() && at.old.firstKey().compareTo(name) < 0) {
        to.delete(at.old.pollFirstEntry().getValue().path());
      }
      Optional<Node> below = Optional.ofNullable(at.old.remove(name));
      boolean replaces = below.isPresent() && below.get().isDirectory() != above.isDirectory();
      if (below.isEmpty() || replaces || !same(below.get(), above)) {
        to.put(above, replaces);
      }
      if (above.isDirectory()) {
        enter(replaces ? Optional.empty() : below, Optional.of(above), way);
      }
    }
  }

  private void enter(Optional<Node> below, Optional<Node> above, Deque<Comparing> way)
      throws SyscallException {
    if (below.isEmpty() || above.isEmpty() || !sameDirectory(below.get(), above.get())) {
      way.push(
          new Comparing(
              below.isPresent() ? lower.children(below.get()) : List.of(),
              above.isPresent() ? upper.children(above.get()) : List.of()));
    }
  }

  /** Whether two directories are made of the same layers, so that all in them is the same. */
  private boolean sameDirectory(Node a, Node b) {
    if (a.holders().size() != b.holders().size()) {
      return false;
    }
    for (int i = 0; i < a.holders().size(); i++) {
      BytePath one = lower.layer(a.holders().get(i));
      if (!one.equals(upper.layer(b.holders().get(i)))) {
        return false;
      }
    }
    return true;
  }

  private boolean same(Node below, Node above) throws IOException {
    return sameEntry(below.stat(), lower.backing(below), above.stat(), upper.backing(above));
  }

  /** Whether two entries are the same by the rule above; directories by their own attributes. */
  public static boolean sameEntry(Stat a, BytePath pathA, Stat b, BytePath pathB)
      throws IOException {
    if (a.inode().equals(b.inode())) {
      return true;
    }
    boolean sameStat =
        a.mode() == b.mode()
            && a.uid() == b.uid()
            && a.gid() == b.gid()
            && a.rdev().equals(b.rdev());
    if (!sameStat || !sameCapability(pathA, pathB)) {
      return false;
    }
    if (a.isDirectory()) {
      return true;
    }
    if (a.sizeBytes() != b.sizeBytes() || a.mtimeSeconds() != b.mtimeSeconds()) {
      return false;
    }
    if (a.mtimeNanos() != 0 || b.mtimeNanos() != 0) {
      return a.mtimeNanos() == b.mtimeNanos();
    }
    return sameContent(a, pathA, pathB);
  }

  /** Whether two entries of the type and size that {@code a} tells hold the same. */
  public static boolean sameContent(Stat a, BytePath pathA, BytePath pathB) throws IOException {
    return a.isSymlink()
        ? Fd.CWD.readlink(pathA).equals(Fd.CWD.readlink(pathB))
        : !a.isRegular() || a.sizeBytes() == 0 || sameBytes(pathA, pathB);
  }

  private static boolean sameCapability(BytePath a, BytePath b) throws SyscallException {
    Optional<byte[]> one = Xattrs.get(a, "security.capability");
    Optional<byte[]> two = Xattrs.get(b, "security.capability");
    return one.isPresent() == two.isPresent()
        && (one.isEmpty() || Arrays.equals(one.get(), two.get()));
  }

  private static boolean sameBytes(BytePath a, BytePath b) throws IOException {
    byte[] one = new byte[1 << 16];
    byte[] two = new byte[1 << 16];
    try (Fd fa = BuiltFiles.open(Fd.CWD, a);
        Fd fb = BuiltFiles.open(Fd.CWD, b);
        var inA = fa.input();
        var inB = fb.input()) {
      while (true) {
        if (Thread.currentThread().isInterrupted()) { // a file may seem to have exabytes
          throw new ClosedByInterruptException();
        }
        int n = inA.readNBytes(one, 0, one.length);
        int m = inB.readNBytes(two, 0, two.length);
        if (n != m || !Arrays.equals(one, 0, n, two, 0, m)) {
          return false;
        }
        if (n < one.length) {
          return true;
        }
      }
    }
  }
}
