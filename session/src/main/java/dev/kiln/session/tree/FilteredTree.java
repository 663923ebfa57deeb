package dev.kiln.session.tree;

import com.google.re2j.Pattern;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.model.PatternMatcher;
import dev.kiln.sys.BuiltFiles;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Fd;
import dev.kiln.sys.SyscallException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * A directory of this machine with only the files that a peer asked for by patterns. A directory is
 * sent if it is wanted itself or holds something that is. Any thread; whoever made it closes it.
 */
public final class FilteredTree implements TreeSource, AutoCloseable {
  private static final Pattern ALL_BELOW = Pattern.compile("/\\*\\*?$");
  private static final String WILDCARDS = "*[]?^\\";
  private final Fd root;
  private final Function<TreeEntry, Optional<TreeEntry>> map;
  private final PatternMatcher includes;
  private final PatternMatcher excludes;

  /** A directory above the current entry. */
  private static final class Above {
    final BytePath path;
    final TreeEntry entry;
    final PatternMatcher.Match included;
    final PatternMatcher.Match excluded;
    boolean sent;

    Above(
        BytePath path,
        TreeEntry entry,
        PatternMatcher.Match included,
        PatternMatcher.Match excluded) {
      this.path = path;
      this.entry = entry;
      this.included = included;
      this.excluded = excluded;
    }
  }

  /**
   * @param followPaths added to {@code includes}, with all symlinks on their way
   * @param map changes an entry's metadata, or leaves it out (with what lies in it)
   * @throws BuildException {@code INVALID} for a malformed pattern
   */
  public FilteredTree(
      Path directory,
      List<String> includes,
      List<String> excludes,
      List<String> followPaths,
      Function<TreeEntry, Optional<TreeEntry>> map)
      throws SyscallException {
    this.root = Fd.directory(directory);
    this.map = map;
    try {
      var all = new ArrayList<>(includes);
      if (!followPaths.isEmpty()) {
        List<String> followed = FollowedPaths.of(root, followPaths);
        if (followed.isEmpty()) {
          all.clear(); // the whole directory is wanted
        }
        all.addAll(followed);
      }
      this.includes = PatternMatcher.of(all);
      this.excludes = PatternMatcher.of(excludes);
    } catch (SyscallException | BuildException e) {
      root.close();
      throw e;
    }
  }

  @Override
  public void walk(Visitor visitor) throws IOException, InterruptedException {
    var links = new DirectoryTree.HardLinks();
    var above = new ArrayDeque<Above>(); // innermost first
    try (var walk = new TreeWalk(root, true)) {
      for (var next = walk.next(); next.isPresent(); next = walk.next()) {
        TreeEntry entry = next.get();
        BytePath parent = entry.path().parent();
        while (!above.isEmpty() && !above.element().path.equals(parent)) {
          above.pop();
        }
        String path = entry.path().toString();
        var included =
            above.isEmpty() ? includes.match(path) : includes.match(path, above.element().included);
        var excluded =
            above.isEmpty() ? excludes.match(path) : excludes.match(path, above.element().excluded);
        boolean wanted = (includes.isEmpty() || included.matched()) && !excluded.matched();
        Optional<TreeEntry> mapped = map.apply(entry);
        if (entry.isDirectory()) {
          if (mapped.isEmpty() || !wanted && holdsNothingWanted(path, included, excluded)) {
            walk.skipChildren();
            continue;
          }
          above.push(new Above(entry.path(), mapped.get(), included, excluded));
        }
        if (wanted && mapped.isPresent()) {
          sendAbove(above, visitor);
          if (!entry.isDirectory()) {
            visitor.visit(links.repair(entry.path(), mapped.get(), walk.lastSizeBytes()));
          }
        }
      }
    }
  }

  private static void sendAbove(ArrayDeque<Above> above, Visitor visitor)
      throws IOException, InterruptedException {
    for (Iterator<Above> outermost = above.descendingIterator(); outermost.hasNext(); ) {
      Above directory = outermost.next();
      if (!directory.sent) {
        directory.sent = true;
        visitor.visit(directory.entry);
      }
    }
  }

  // Only a shortcut: when in doubt, the directory is walked.
  private boolean holdsNothingWanted(
      String directory, PatternMatcher.Match included, PatternMatcher.Match excluded) {
    if (excluded.matched()) {
      return excludes.patterns().stream()
          .noneMatch(p -> p.exclusion() && mayMatchBelow(p.text(), directory));
    }
    return !includes.isEmpty()
        && !included.matched()
        && includes.patterns().stream()
            .noneMatch(p -> !p.exclusion() && mayMatchBelow(p.text(), directory));
  }

  private static boolean mayMatchBelow(String pattern, String directory) {
    String fixed = ALL_BELOW.matcher(pattern).replaceFirst("");
    for (int i = 0; i < fixed.length(); i++) {
      if (WILDCARDS.indexOf(fixed.charAt(i)) >= 0) {
        return true;
      }
    }
    return (fixed + "/").startsWith(directory + "/");
  }

  @Override
  public InputStream open(BytePath path) throws IOException {
    return BuiltFiles.open(root, path).input();
  }

  @Override
  public void close() {
    root.close();
  }

  /** What a client may ask of a directory that does not exist. */
  public static BuildException noAccess(String name) {
    return new BuildException(Kind.NOT_FOUND, "no access allowed to dir \"" + name + "\"");
  }
}
