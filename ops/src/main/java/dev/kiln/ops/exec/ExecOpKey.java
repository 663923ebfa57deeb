package dev.kiln.ops.exec;

import dev.kiln.actors.CacheMap;
import dev.kiln.llb.ExecOp;
import dev.kiln.llb.MountOptions;
import dev.kiln.llb.MountOptions.CacheOptions;
import dev.kiln.llb.MountOptions.CacheSharing;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.FilePaths;
import dev.kiln.model.GoJson;
import dev.kiln.model.KeyDigest;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import dev.kiln.ops.key.Selector;
import dev.kiln.ops.key.Selectors;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * How an exec op is keyed: the digest of its JSON without what does not count, and for each input
 * the parts that do. Pure. The form, down to its omissions, is that of BuildKit v0.22 ({@code
 * solver/llbsolver/ops/exec.go}), so that caches are interchangeable.
 */
public final class ExecOpKey {
  private ExecOpKey() {}

  /** The parts of one input that are mounted, and whether they may be keyed by content. */
  record Part(List<String> paths, boolean byContent) {}

  static CacheMap cacheMap(ExecOp op, Platform platform, int inputs) {
    List<CacheMap.Dep> deps =
        parts(op, inputs).stream()
            .map(part ->
                new CacheMap.Dep(
                    part.paths().isEmpty()
                        ? Optional.empty()
                        : Optional.of(
                            Digest.of(
                                String.join("\0", part.paths()).getBytes(StandardCharsets.UTF_8))),
                    part.byContent(),
                    true))
            .toList();
    return CacheMap.of(KeyDigest.of(json(op, platform).toBytes()), deps);
  }

  /**
   * For each input what of it counts.
   *
   * @throws BuildException {@code INVALID} where a mount is to be keyed by content but may change
   *     what it does not select
   */
  static List<Part> parts(ExecOp op, int inputs) {
    var paths = new ArrayList<List<String>>();
    for (int i = 0; i < inputs; i++) {
      paths.add(new ArrayList<>());
    }
    boolean[] byContent = new boolean[inputs];
    for (ExecOp.Mount mount : op.mounts()) {
      boolean hasState =
          switch (mount.options()) {
            case MountOptions.Bind _, MountOptions.Cache _ -> true;
            case MountOptions.Secret _, MountOptions.Ssh _, MountOptions.Tmpfs _ -> false;
          };
      if (hasState && mount.input().isPresent()) {
        int input = mount.input().getAsInt();
        String selected = FilePaths.clean("/" + mount.selector());
        paths.get(input).add(selected);
        byContent[input] = byContent(mount, selected);
      }
    }
    var parts = new ArrayList<Part>();
    for (int i = 0; i < inputs; i++) {
      parts.add(new Part(List.copyOf(paths.get(i)), byContent[i]));
    }
    return parts;
  }

  /**
   * A mount whose writes become an output must not be keyed by a part of its input alone: the rest
   * would be taken from the run that is remembered, not from the input at hand.
   */
  private static boolean byContent(ExecOp.Mount mount, String selected) {
    boolean safe = mount.output().isEmpty() || mount.readOnly() || selected.equals("/");
    return switch (mount.contentCache()) {
      case OFF -> false;
      case ON -> {
        if (!safe) {
          throw new BuildException(Kind.INVALID, "invalid mount cache content " + mount.dest());
        }
        yield true;
      }
      case DEFAULT -> safe && !mount.dest().equals(ExecOp.ROOT);
    };
  }

  /** The selectors by which {@code part} is hashed. */
  static Selectors selectors(Part part) {
    Set<String> outermost =
        part.paths().size() <= 1
            ? new TreeSet<>(part.paths())
            : Selectors.outermost(new TreeSet<>(part.paths()));
    if (outermost.isEmpty() || outermost.contains("/")) {
      return new Selectors(List.of(Selector.of("", false)));
    }
    return new Selectors(outermost.stream().map(p -> Selector.of(p, true)).toList());
  }

  private static GoJson json(ExecOp op, Platform platform) {
    return GoJson.object()
        .text("Type", "buildkit.exec.v0")
        .raw("Exec", exec(op).toString())
        .text("OS", platform.os())
        .text("Arch", platform.architecture())
        .textIfSet("Variant", platform.variant())
        .textIfSet("OSVersion", platform.osVersion())
        .textsIfSet("OSFeatures", platform.osFeatures());
  }

  private static GoJson exec(ExecOp op) {
    List<GoJson> mounts =
        isPlainRun(op.mounts()) ? List.of() : op.mounts().stream().map(ExecOpKey::mount).toList();
    return GoJson.object()
        .objectIfSet("meta", Optional.of(meta(op.meta())))
        .objectsIfSet("mounts", mounts)
        .numberIfSet(
            "network",
            switch (op.network()) {
              case UNSET -> 0;
              case HOST -> 1;
              case NONE -> 2;
            })
        .numberIfSet(
            "security",
            switch (op.security()) {
              case SANDBOX -> 0;
              case INSECURE -> 1;
            })
        .objectsIfSet(
            "secretenv",
            op.secretEnv().stream()
                .map(s ->
                    GoJson.object()
                        .textIfSet("ID", s.id())
                        .textIfSet("name", s.name())
                        .boolIfSet("optional", s.optional()))
                .toList())
        .objectsIfSet(
            "cdiDevices",
            op.devices().stream()
                .map(d ->
                    GoJson.object().textIfSet("name", d.name()).boolIfSet("optional", d.optional()))
                .toList());
  }

  /** A lone ordinary root mount never counted, and must not start to. */
  private static boolean isPlainRun(List<ExecOp.Mount> mounts) {
    if (mounts.size() != 1) {
      return false;
    }
    ExecOp.Mount only = mounts.getFirst();
    return only.dest().equals(ExecOp.ROOT)
        && !only.readOnly()
        && only.options() instanceof MountOptions.Bind
        && only.resultId().isEmpty();
  }

  private static GoJson meta(ExecOp.Meta meta) {
    GoJson json =
        GoJson.object()
            .textsIfSet("args", meta.args())
            .textsIfSet("env", meta.env())
            .textIfSet("cwd", meta.cwd())
            .textIfSet("user", meta.user())
            .objectsIfSet(
                "extraHosts",
                meta.extraHosts().stream()
                    .map(h -> GoJson.object().textIfSet("Host", h.host()))
                    .toList())
            .textIfSet("hostname", meta.hostname())
            .objectsIfSet(
                "ulimit",
                meta.ulimits().stream()
                    .map(u ->
                        GoJson.object()
                            .textIfSet("Name", u.name())
                            .numberIfSet("Soft", u.soft())
                            .numberIfSet("Hard", u.hard()))
                    .toList())
            .textIfSet("cgroupParent", meta.cgroupParent())
            .boolIfSet("removeMountStubsRecursive", meta.removeMountStubsRecursive());
    return meta.validExitCodes().isEmpty()
        ? json
        : json.raw(
            "validExitCodes",
            GoJson.array(meta.validExitCodes().stream().map(String::valueOf).toList()));
  }

  private static GoJson mount(ExecOp.Mount mount) {
    GoJson json =
        GoJson.object()
            .numberIfSet("input", mount.input().orElse(-1))
            .textIfSet("dest", mount.dest())
            .numberIfSet("output", mount.output().orElse(-1))
            .boolIfSet("readonly", mount.readOnly());
    return options(json, mount)
        .textIfSet("resultID", mount.resultId())
        .numberIfSet(
            "contentCache",
            switch (mount.contentCache()) {
              case DEFAULT -> 0;
              case ON -> 1;
              case OFF -> 2;
            });
  }

  private static GoJson options(GoJson json, ExecOp.Mount mount) {
    return switch (mount.options()) {
      case MountOptions.Bind() -> json;
      case MountOptions.Secret(var id, var uid, var gid, var mode, var optional) ->
          json.number("mountType", 1)
              .raw("secretOpt", owned(id, uid, gid, mode, optional).toString());
      case MountOptions.Ssh(var id, var uid, var gid, var mode, var optional) ->
          json.number("mountType", 2).raw("SSHOpt", owned(id, uid, gid, mode, optional).toString());
      case MountOptions.Cache(var options) ->
          json.number("mountType", 3)
              .objectIfSet("cacheOpt", options.map(o -> cache(o, mount.dest())));
      case MountOptions.Tmpfs(var size) -> {
        json.number("mountType", 4);
        yield size.isPresent()
            ? json.raw("TmpfsOpt", GoJson.object().numberIfSet("size", size.getAsLong()).toString())
            : json;
      }
    };
  }

  private static GoJson owned(String id, int uid, int gid, int mode, boolean optional) {
    return GoJson.object()
        .textIfSet("ID", id)
        .numberIfSet("uid", Integer.toUnsignedLong(uid))
        .numberIfSet("gid", Integer.toUnsignedLong(gid))
        .numberIfSet("mode", Integer.toUnsignedLong(mode))
        .boolIfSet("optional", optional);
  }

  /** The name counts only in the form that Dockerfiles have always given it. */
  private static GoJson cache(CacheOptions options, String dest) {
    String id = options.id();
    int slash = id.indexOf('/');
    boolean usual =
        options.sharing() == CacheSharing.SHARED
            && (id.equals(dest) || slash >= 0 && id.substring(slash + 1).equals(dest));
    return usual ? GoJson.object().textIfSet("ID", id) : GoJson.object();
  }
}
