package dev.kiln.ops.file;

import dev.kiln.actors.CacheMap;
import dev.kiln.llb.FileAction;
import dev.kiln.llb.FileAction.ById;
import dev.kiln.llb.FileAction.ByName;
import dev.kiln.llb.FileAction.Copy;
import dev.kiln.llb.FileAction.MkDir;
import dev.kiln.llb.FileAction.MkFile;
import dev.kiln.llb.FileAction.Owner;
import dev.kiln.llb.FileAction.Rm;
import dev.kiln.llb.FileAction.Symlink;
import dev.kiln.llb.FileAction.UserRef;
import dev.kiln.llb.FileOp;
import dev.kiln.llb.FileOp.Step;
import dev.kiln.model.FilePaths;
import dev.kiln.model.GoJson;
import dev.kiln.model.KeyDigest;
import dev.kiln.ops.key.Selector;
import dev.kiln.ops.key.Selectors;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * How a file op is keyed: its actions as BuildKit's JSON, and of each input that is only read the
 * parts that are read. A copy's source path counts by its last name alone, so that a file moved to
 * another folder keeps its cache. Immutable. Rules: BuildKit v0.22 {@code
 * solver/llbsolver/ops/file.go}, type {@code buildkit.file.v0}.
 *
 * @param selectors by input; inputs that are written too have none
 */
record FileOpKey(KeyDigest digest, SortedMap<Integer, Selectors> selectors) {
  private static final String TYPE = "buildkit.file.v0";

  static FileOpKey of(FileOp op, int inputs) {
    Map<Integer, List<Selector>> read = new TreeMap<>();
    Set<Integer> written = new HashSet<>();
    var actions = new ArrayList<String>();
    for (Step step : op.steps()) {
      written.add(step.input());
      boolean copiesInput = step.secondaryInput() >= 0 && step.secondaryInput() < inputs;
      if (step.action() instanceof Copy copy && copiesInput) {
        // the order matters: an owner's file before the source
        owner(copy.owner(), read);
        read(read, step.secondaryInput(), sourceOf(copy));
      } else {
        owner(ownerOf(step.action()), read);
      }
      actions.add(GoJson.base64(json(step.action(), copiesInput).toBytes()));
    }
    GoJson json = GoJson.object().text("Type", TYPE).raw("Actions", GoJson.array(actions));
    if (!isPlainChain(op.steps())) {
      json.raw("indexes", indexes(op.steps()));
    }
    SortedMap<Integer, Selectors> selectors = new TreeMap<>();
    read.forEach((input, parts) -> {
      if (input < inputs && !written.contains(input)) {
        selectors.put(input, new Selectors(parts));
      }
    });
    return new FileOpKey(KeyDigest.of(json.toBytes()), selectors);
  }

  CacheMap toCacheMap(int inputs) {
    var deps = new ArrayList<CacheMap.Dep>();
    for (int i = 0; i < inputs; i++) {
      Optional<Selectors> parts = Optional.ofNullable(selectors.get(i));
      deps.add(new CacheMap.Dep(parts.map(Selectors::definitionKey), parts.isPresent(), true));
    }
    return CacheMap.of(digest, deps);
  }

  private static Selector sourceOf(Copy copy) {
    return new Selector(
        copy.source(),
        copy.allowWildcard() && Wildcards.isPattern(copy.source()),
        copy.followSymlink(),
        copy.includePatterns(),
        copy.excludePatterns());
  }

  private static Optional<Owner> ownerOf(FileAction action) {
    return switch (action) {
      case Copy a -> a.owner();
      case MkFile a -> a.owner();
      case MkDir a -> a.owner();
      case Symlink _, Rm _ -> Optional.empty(); // BuildKit leaves a symlink's owner out here
    };
  }

  private static void owner(Optional<Owner> owner, Map<Integer, List<Selector>> read) {
    owner.flatMap(Owner::user).ifPresent(u -> nameFile(u, "/etc/passwd", read));
    owner.flatMap(Owner::group).ifPresent(g -> nameFile(g, "/etc/group", read));
  }

  private static void nameFile(UserRef ref, String file, Map<Integer, List<Selector>> read) {
    if (ref instanceof ByName name && name.input() >= 0) {
      read(read, name.input(), Selector.of(file, true));
    }
  }

  private static void read(Map<Integer, List<Selector>> all, int input, Selector part) {
    all.computeIfAbsent(input, _ -> new ArrayList<>()).add(part);
  }

  private static GoJson json(FileAction action, boolean sourceByName) {
    return switch (action) {
      case Copy a ->
          GoJson.object()
              .textIfSet("src", sourceByName ? base(a.source()) : a.source())
              .textIfSet("dest", a.dest())
              .objectIfSet("owner", a.owner().map(FileOpKey::json))
              .numberIfSet("mode", a.mode())
              .boolIfSet("followSymlink", a.followSymlink())
              .boolIfSet("dirCopyContents", a.dirCopyContents())
              .boolIfSet("attemptUnpackDockerCompatibility", a.attemptUnpack())
              .boolIfSet("createDestPath", a.createDestPath())
              .boolIfSet("allowWildcard", a.allowWildcard())
              .boolIfSet("allowEmptyWildcard", a.allowEmptyWildcard())
              .numberIfSet("timestamp", a.timestampNanos())
              .textsIfSet("include_patterns", a.includePatterns())
              .textsIfSet("exclude_patterns", a.excludePatterns())
              .boolIfSet("alwaysReplaceExistingDestPaths", a.alwaysReplaceExistingDestPaths())
              .textIfSet("modeStr", a.modeText());
      case MkFile a ->
          GoJson.object()
              .textIfSet("path", a.path())
              .numberIfSet("mode", a.mode())
              .bytesIfSet("data", a.content())
              .objectIfSet("owner", a.owner().map(FileOpKey::json))
              .numberIfSet("timestamp", a.timestampNanos());
      case MkDir a ->
          GoJson.object()
              .textIfSet("path", a.path())
              .numberIfSet("mode", a.mode())
              .boolIfSet("makeParents", a.makeParents())
              .objectIfSet("owner", a.owner().map(FileOpKey::json))
              .numberIfSet("timestamp", a.timestampNanos());
      case Symlink a ->
          GoJson.object()
              .textIfSet("oldpath", a.oldPath())
              .textIfSet("newpath", a.newPath())
              .objectIfSet("owner", a.owner().map(FileOpKey::json))
              .numberIfSet("timestamp", a.timestampNanos());
      case Rm a ->
          GoJson.object()
              .textIfSet("path", a.path())
              .boolIfSet("allowNotFound", a.allowNotFound())
              .boolIfSet("allowWildcard", a.allowWildcard());
    };
  }

  /** Go's {@code path.Base}, which differs from {@code filepath.Base} in nothing on Linux. */
  private static String base(String source) {
    return FilePaths.base(source);
  }

  private static GoJson json(Owner owner) {
    return GoJson.object()
        .objectIfSet("user", owner.user().map(FileOpKey::json))
        .objectIfSet("group", owner.group().map(FileOpKey::json));
  }

  private static GoJson json(UserRef ref) {
    GoJson oneof =
        switch (ref) {
          case ByName name ->
              GoJson.object()
                  .raw(
                      "byName",
                      GoJson.object()
                          .textIfSet("name", name.name())
                          .numberIfSet("input", name.input())
                          .toString());
          case ById id -> GoJson.object().numberIfSet("byId", id.id());
        };
    return GoJson.object().raw("User", oneof.toString());
  }

  private static String indexes(List<Step> steps) {
    return GoJson.array(
        steps.stream()
            .map(s -> "[" + s.input() + "," + s.secondaryInput() + "," + s.output() + "]")
            .toList());
  }

  /**
   * Whether each step works on the one before, from the first input to the only output: the form
   * whose indexes old daemons did not hash, so they never are. The step's own number counts as
   * BuildKit counts it, from the number of steps and not of inputs.
   */
  private static boolean isPlainChain(List<Step> steps) {
    int n = steps.size();
    for (int i = 0; i < n; i++) {
      Step s = steps.get(i);
      boolean plain =
          s.input() == (i == 0 ? 0 : n + i - 1)
              && (s.secondaryInput() == FileOp.NONE || s.secondaryInput() == 1)
              && s.output() == (i == n - 1 ? 0 : FileOp.NONE);
      if (!plain) {
        return false;
      }
    }
    return n > 0;
  }
}
