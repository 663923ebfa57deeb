package dev.kiln.ops.file;

import dev.kiln.model.PatternMatcher;
import dev.kiln.model.PatternMatcher.Match;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Descent;
import dev.kiln.sys.Dirent;
import dev.kiln.sys.Errno;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.sys.SyscallException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;

/**
 * Copies what is in a folder into another, with the folders in it, of any depth whose paths the
 * kernel takes, with few descriptors. A folder that no pattern chose is made when the first file in
 * it is wanted. One use, one thread; closing leaves the two folders open.
 */
final class FolderCopy implements AutoCloseable {
  /** The kernel takes no longer path, and so would nobody find what lies deeper. */
  static final int MAX_PATH_BYTES = 4095;

  private final Descent source;
  private final Descent copies; // in the copy of the innermost folder that has one
  private final Deque<Folder> way = new ArrayDeque<>();
  private final EntryCopy entries;
  private final TreeCopy.Wanted wanted;

  /** A folder under way. */
  private static final class Folder {
    final BytePath name;
    final String path; // below the first one, as patterns see it
    final BytePath target; // where its copy is in the tree
    final Stat stat;
    final Optional<Match> include;
    final Optional<Match> exclude;
    final boolean chosen;
    final SortedMap<String, byte[]> attributes;
    final Iterator<Dirent> rest;
    boolean made;

    /** Whether the copy was made here: then nothing is in it but what was copied. */
    boolean isNew;

    Folder(
        BytePath name,
        String path,
        BytePath target,
        Stat stat,
        Optional<Match> include,
        Optional<Match> exclude,
        boolean chosen,
        SortedMap<String, byte[]> attributes,
        Iterator<Dirent> rest) {
      this.name = name;
      this.path = path;
      this.target = target;
      this.stat = stat;
      this.include = include;
      this.exclude = exclude;
      this.chosen = chosen;
      this.attributes = attributes;
      this.rest = rest;
    }
  }

  /**
   * @param isNew whether {@code copy} was made for this
   * @param target where {@code copy} is in its tree
   */
  FolderCopy(
      Fd folder, Fd copy, boolean isNew, BytePath target, EntryCopy entries, TreeCopy.Wanted wanted)
      throws SyscallException {
    this.source = new Descent(folder);
    this.copies = new Descent(copy);
    this.entries = entries;
    this.wanted = wanted;
    push(BytePath.EMPTY, "", target, folder.stat(), Optional.empty(), Optional.empty(), false);
    way.element().made = true;
    way.element().isNew = isNew;
  }

  void run() throws SyscallException, InterruptedException {
    while (!way.isEmpty()) {
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      if (way.element().rest.hasNext()) {
        child(way.element(), way.element().rest.next().name());
      } else {
        leave();
      }
    }
  }

  private void child(Folder in, BytePath name) throws SyscallException {
    String path = in.path.isEmpty() ? name.toString() : in.path + "/" + name;
    BytePath target = in.target.resolve(name);
    Optional<Match> include = match(wanted.includes(), path, in.include);
    Optional<Match> exclude = match(wanted.excludes(), path, in.exclude);
    boolean chosen =
        include.map(Match::matched).orElse(true) && !exclude.map(Match::matched).orElse(false);
    Stat stat = source.here().stat(name);
    if (!stat.isDirectory()) {
      if (chosen) {
        Fd into = copy();
        entries.file(source.here(), name, stat, into, name, target, inTheWay(into, name, stat));
      }
      return;
    }
    if (target.length() > MAX_PATH_BYTES) {
      throw new SyscallException("mkdirat", target.toString(), Errno.ENAMETOOLONG);
    }
    boolean isNew = false;
    if (chosen) {
      Fd into = copy();
      isNew = entries.directory(into, name, stat, inTheWay(into, name, stat), true);
      copies.enter(name);
    }
    source.enter(name);
    push(name, path, target, stat, include, exclude, chosen);
    way.element().made = chosen;
    way.element().isNew = isNew;
  }

  private void push(
      BytePath name,
      String path,
      BytePath target,
      Stat stat,
      Optional<Match> include,
      Optional<Match> exclude,
      boolean chosen)
      throws SyscallException {
    Fd here = source.here();
    way.push(
        new Folder(
            name,
            path,
            target,
            stat,
            include,
            exclude,
            chosen,
            EntryCopy.attributes(here, BytePath.of(".")),
            here.list().iterator()));
  }

  private static Optional<Match> match(
      PatternMatcher patterns, String path, Optional<Match> parent) {
    if (patterns.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        parent.isPresent() ? patterns.match(path, parent.get()) : patterns.match(path));
  }

  /** The copy of the innermost folder, made now with those above it where there is none yet. */
  private Fd copy() throws SyscallException {
    List<Folder> missing = way.stream().takeWhile(folder -> !folder.made).toList();
    for (Folder folder : missing.reversed()) {
      Fd into = copies.here();
      Optional<Stat> existing = RootedTree.stat(into, folder.name);
      folder.isNew = entries.directory(into, folder.name, folder.stat, existing, true);
      if (folder.isNew) {
        entries.metadata(folder.attributes, folder.stat, into, folder.name);
      }
      copies.enter(folder.name);
      folder.made = true;
    }
    return copies.here();
  }

  /** What has the name of a child's copy already. */
  private Optional<Stat> inTheWay(Fd into, BytePath name, Stat source) throws SyscallException {
    return way.element().isNew ? Optional.empty() : entries.inTheWay(into, name, source);
  }

  private void leave() throws SyscallException {
    Folder done = way.pop();
    if (way.isEmpty()) {
      return;
    }
    source.leave();
    if (done.made) {
      copies.leave();
    }
    if (done.chosen) { // last, as what was copied into it has changed its time
      entries.metadata(done.attributes, done.stat, copies.here(), done.name);
    }
  }

  @Override
  public void close() {
    source.close();
    copies.close();
  }
}
