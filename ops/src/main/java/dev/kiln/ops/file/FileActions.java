package dev.kiln.ops.file;

import dev.kiln.llb.FileAction.Copy;
import dev.kiln.llb.FileAction.MkDir;
import dev.kiln.llb.FileAction.MkFile;
import dev.kiln.llb.FileAction.Rm;
import dev.kiln.llb.FileAction.Symlink;
import dev.kiln.model.BuildException;
import dev.kiln.model.FilePaths;
import dev.kiln.model.Kind;
import dev.kiln.model.PatternMatcher;
import dev.kiln.ops.file.RootedTree.Place;
import dev.kiln.sys.BuiltFiles;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Directories;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.sys.SyscallException;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What each file action does to a tree. No state; the trees are not changed by anybody else
 * meanwhile. Source of the rules: BuildKit v0.22 {@code solver/llbsolver/file/backend.go}.
 */
final class FileActions {
  private FileActions() {}

  /** Owner and time of an action; a timestamp of -1 is none. */
  static Stamp stamp(Optional<Stamp.User> owner, long timestampNanos) {
    return new Stamp(
        owner,
        timestampNanos == -1
            ? Optional.empty()
            : Optional.of(Instant.ofEpochSecond(0, timestampNanos)));
  }

  static void mkdir(RootedTree tree, MkDir action, Stamp stamp) throws SyscallException {
    BytePath path = tree.resolve(action.path());
    if (action.makeParents()) {
      tree.makeDirectories(path, action.mode() & 0777, stamp);
      return;
    }
    try (Place place = tree.place(path)) {
      if (place.stat().isPresent()) {
        return;
      }
      place.directory().mkdir(place.name(), action.mode() & 0777);
      place.directory().chmod(place.name(), action.mode() & 0777);
      stamp.on(place.directory(), place.name());
    }
  }

  static void mkfile(RootedTree tree, MkFile action, Stamp stamp) throws IOException {
    try (Place place = tree.place(tree.resolve(action.path()))) {
      boolean isNew = place.stat().isEmpty();
      try (Fd file = BuiltFiles.write(place.directory(), place.name(), 0600)) {
        file.write(action.content(), 0, action.content().length);
        if (isNew) { // one that was there keeps its permissions
          file.chmod(action.mode() & 0777);
        }
      }
      stamp.on(place.directory(), place.name());
    }
  }

  static void symlink(RootedTree tree, Symlink action, Stamp stamp) throws SyscallException {
    try (Place place = tree.place(tree.resolve(action.newPath()))) {
      place.directory().symlink(BytePath.of(action.oldPath()), place.name());
      stamp.on(place.directory(), place.name());
    }
  }

  static void rm(RootedTree tree, Rm action) throws SyscallException {
    if (!action.allowWildcard()) {
      rm(tree, action.path(), action.allowNotFound());
      return;
    }
    for (String match : Wildcards.resolve(tree, rooted(action.path()), false)) {
      rm(tree, match, action.allowNotFound());
    }
  }

  private static void rm(RootedTree tree, String path, boolean allowNotFound)
      throws SyscallException {
    String clean = FilePaths.clean(path);
    if (clean.equals("/")) {
      throw new BuildException(Kind.UNKNOWN, "rmPath: invalid empty path");
    }
    BytePath resolved = tree.resolveParent(clean);
    if (allowNotFound && tree.stat(resolved.parent()).isEmpty()) {
      return;
    }
    try (Place place = tree.place(resolved)) {
      if (!allowNotFound) {
        Stat _ = place.directory().stat(place.name()); // says what is missing
      }
      Directories.removeTree(place.directory(), place.name());
    }
  }

  static void copy(RootedTree from, RootedTree to, Copy action, Stamp stamp)
      throws IOException, InterruptedException {
    String source = rooted(action.source());
    String destination = rooted(action.dest());
    if (!action.createDestPath()) {
      requireParent(to, action.dest());
    }
    List<String> sources = List.of(source);
    if (action.allowWildcard()) {
      sources = Wildcards.resolve(from, source, action.followSymlink());
      if (sources.isEmpty() && !action.allowEmptyWildcard()) {
        throw new BuildException(Kind.UNKNOWN, source + " not found");
      }
    }
    TreeCopy.Wanted wanted = wanted(action, stamp);
    for (String each : sources) {
      if (!action.attemptUnpack() || !unpack(from, each, to, destination, stamp)) {
        // one for each: hard links are kept within what one source names
        new TreeCopy(from, to, wanted).copy(each, destination);
      }
    }
  }

  private static void requireParent(RootedTree to, String dest) throws SyscallException {
    BytePath parent = to.resolve(dest).parent();
    if (to.stat(parent).isEmpty()) {
      throw new BuildException(
          Kind.UNKNOWN,
          "failed to stat " + dest + ": lstat /" + parent + ": no such file or directory");
    }
  }

  private static TreeCopy.Wanted wanted(Copy action, Stamp stamp) {
    Optional<ModeEdit> mode = Optional.empty();
    int parentMode = 0755;
    if (!action.modeText().isEmpty()) {
      mode = Optional.of(ModeEdit.parse(action.modeText()));
    } else if (action.mode() != -1) {
      mode = Optional.of(ModeEdit.parse("0" + Integer.toOctalString(action.mode() & 07777)));
      parentMode = action.mode();
    }
    return new TreeCopy.Wanted(
        stamp,
        mode,
        parentMode,
        action.dirCopyContents(),
        action.followSymlink(),
        action.alwaysReplaceExistingDestPaths(),
        patterns("include", action.includePatterns()),
        patterns("exclude", action.excludePatterns()));
  }

  private static PatternMatcher patterns(String kind, List<String> patterns) {
    try {
      return PatternMatcher.of(patterns);
    } catch (BuildException e) {
      throw e.wrap("invalid " + kind + "patterns: [" + String.join(" ", patterns) + "]");
    }
  }

  private static boolean unpack(
      RootedTree from, String source, RootedTree to, String destination, Stamp stamp)
      throws IOException, InterruptedException {
    try (Place file = from.place(from.resolve(source))) {
      Optional<Stat> stat = file.stat();
      if (stat.isEmpty()
          || !stat.get().isRegular()
          || !Archives.isArchive(file.directory(), file.name(), stat.get())) {
        return false;
      }
      BytePath directory = to.resolve(destination);
      to.makeDirectories(directory, 0755, stamp);
      Archives.unpack(file.directory(), file.name(), stat.get(), to, directory);
      return true;
    }
  }

  /** Absolute and cleaned, but a trailing {@code /} or {@code /.}, which mean something, stays. */
  static String rooted(String path) {
    String clean = FilePaths.clean("/" + path);
    if (path.endsWith("/.")) {
      return clean.equals("/") ? "/." : clean + "/.";
    }
    return path.endsWith("/") && !clean.equals("/") ? clean + "/" : clean;
  }
}
