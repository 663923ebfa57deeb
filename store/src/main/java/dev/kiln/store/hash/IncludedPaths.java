package dev.kiln.store.hash;

import dev.kiln.model.Digest;
import dev.kiln.model.FilePaths;
import dev.kiln.model.PatternMatcher;
import dev.kiln.store.ContentQuery;
import dev.kiln.store.snapshot.MergedTree;
import dev.kiln.sys.BytePath;
import java.io.IOException;
import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * The checksum of those entries that patterns choose: over the names and own digests of the files,
 * and of the directories that are chosen or have something chosen in them. Under its tree's lock.
 */
final class IncludedPaths {
  private final HashTree tree;
  private final MergedTree disk;
  private final ContentQuery query;
  private final PatternMatcher includes;
  private final PatternMatcher excludes;
  private final String asked; // cleaned: empty or with a slash before it, UTF-8
  private final boolean endsInSlash;
  private final List<Included> chosen = new ArrayList<>();
  private final Deque<Included> parents = new ArrayDeque<>(); // innermost last
  private String lastMatched = "";

  /** One entry on the way; {@code taken} once it counts. */
  private static final class Included {
    final String path;
    final PatternMatcher.Match include;
    final PatternMatcher.Match exclude;
    final boolean followed;
    String digest = "";
    boolean taken;

    Included(
        String path, PatternMatcher.Match include, PatternMatcher.Match exclude, boolean followed) {
      this.path = path;
      this.include = include;
      this.exclude = exclude;
      this.followed = followed;
    }
  }

  IncludedPaths(HashTree tree, MergedTree disk, ContentQuery query) {
    this.tree = tree;
    this.disk = disk;
    this.query = query;
    this.includes = PatternMatcher.of(query.includes());
    this.excludes = PatternMatcher.of(query.excludes());
    this.endsInSlash = query.path().endsWith("/");
    String clean = FilePaths.clean("/" + query.path());
    this.asked = clean.equals("/") ? "" : clean;
  }

  Digest checksum() throws IOException {
    start();
    for (Included entry : chosen) {
      if (entry.followed) {
        entry.digest = tree.whole(HashTree.key(entry.path), true, disk).value();
      }
    }
    if (chosen.isEmpty()) {
      return Digest.of(new byte[0]);
    }
    String base = FilePaths.base(query.path());
    if (chosen.size() == 1 && base.equals(FilePaths.base(chosen.getFirst().path))) {
      return new Digest(chosen.getFirst().digest);
    }
    MessageDigest hash = Digest.sha256();
    boolean first = true;
    for (Included entry : chosen) {
      if (!first) {
        hash.update((byte) 0);
      }
      first = false;
      hash.update(BytePath.of(FilePaths.base(entry.path)).bytes());
      hash.update(HashTree.ascii(entry.digest));
    }
    return Digest.ofHash(hash.digest());
  }

  private void start() throws IOException {
    String prefix = asked;
    boolean followTrailing = false;
    if (query.wildcard()) {
      int wild = wildcardAt(asked);
      prefix = wild < 0 ? asked : asked.substring(0, wild);
      followTrailing = wild >= 0;
    }
    HashTree.Found found = tree.resolve(HashTree.key(prefix), followTrailing, disk);
    if (found.node() != null) {
      visit(prefix, found.key(), found.node());
    }
  }

  /** Where the first component with a wildcard begins (at its slash); -1 where none has one. */
  private static int wildcardAt(String path) {
    int slash = 0;
    for (int i = 0; i < path.length(); i++) {
      switch (path.charAt(i)) {
        case '/' -> slash = i;
        case '*', '?', '[' -> {
          return slash;
        }
        case '\\' -> i++;
        default -> {}
      }
    }
    return -1;
  }

  /**
   * A directory under way.
   *
   * @param path as it was asked for, UTF-8
   * @param key where it is in the tree
   * @param isParent whether it is among {@link #parents}
   */
  private record Visiting(
      String path, String key, Iterator<Map.Entry<String, HashNode>> rest, boolean isParent) {}

  private void visit(String firstPath, String firstKey, HashNode first) throws IOException {
    var way = new ArrayDeque<Visiting>(); // innermost first: depth is a tree's to choose
    enter(firstPath, firstKey, first, way);
    while (!way.isEmpty()) {
      Visiting at = way.element();
      if (!at.rest.hasNext()) {
        way.pop();
        if (at.isParent) {
          parents.removeLast();
        }
        continue;
      }
      var child = at.rest.next();
      String name = child.getKey();
      enter(
          at.path + "/" + BytePath.ofLatin1(name),
          at.key.isEmpty() ? name : at.key + "/" + name,
          child.getValue(),
          way);
    }
  }

  private void enter(String path, String key, HashNode node, Deque<Visiting> way)
      throws IOException {
    boolean skipped = node.isDirectory() && path.equals(asked) && endsInSlash;
    boolean isParent = false;
    // a trailing slash leaves out the directory's header; the pattern still matches the directory
    if (matches(path) && !skipped) {
      Included entry = entry(path, node);
      boolean included =
          (includes.isEmpty() || entry.include.matched())
              && (excludes.isEmpty() || !entry.exclude.matched());
      if (included || node.isDirectory()) {
        entry.digest = tree.digest(key, node, disk);
      }
      if (included) {
        takeParents();
        take(entry);
      }
      if (node.isDirectory()) {
        parents.addLast(entry);
        isParent = true;
      }
    }
    if (node.isDirectory()) {
      var rest = tree.children(key, node, disk).entrySet().iterator();
      way.push(new Visiting(path, key, rest, isParent));
    }
  }

  private void takeParents() {
    Included innermost = parents.peekLast();
    if (innermost != null && !innermost.taken) { // else those above it are taken too
      parents.forEach(this::take);
    }
  }

  private void take(Included entry) {
    if (!entry.taken) {
      entry.taken = true;
      chosen.add(entry);
    }
  }

  private boolean matches(String path) {
    if (!query.wildcard() || asked.isEmpty()) {
      return true;
    }
    if (!lastMatched.isEmpty() && path.startsWith(lastMatched + "/")) {
      return true;
    }
    if (!FilePaths.matches(asked, path)) {
      return false;
    }
    lastMatched = path;
    return true;
  }

  private Included entry(String path, HashNode node) {
    String base = query.wildcard() ? lastMatched : asked;
    String whole = path + "/";
    String relative = whole.startsWith(base + "/") ? whole.substring(base.length() + 1) : whole;
    if (relative.endsWith("/")) {
      relative = relative.substring(0, relative.length() - 1);
    }
    Included parent = parents.peekLast();
    PatternMatcher.Match include =
        parent == null ? includes.match(relative) : includes.match(relative, parent.include);
    PatternMatcher.Match exclude =
        parent == null ? excludes.match(relative) : excludes.match(relative, parent.exclude);
    // below what was asked for a link is content: its target does not count (BuildKit v0.34)
    boolean followed = query.followLinks() && parent == null && node.kind == HashNode.Kind.SYMLINK;
    return new Included(path, include, exclude, followed);
  }
}
