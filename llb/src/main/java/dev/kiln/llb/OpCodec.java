package dev.kiln.llb;

import com.google.protobuf.Message;
import dev.kiln.grpc.pb.ChownOpt;
import dev.kiln.grpc.pb.Meta;
import dev.kiln.grpc.pb.UserOpt;
import dev.kiln.llb.MountOptions.CacheOptions;
import dev.kiln.llb.MountOptions.CacheSharing;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * One op message to its record, checked (features L-09). Pure. Inputs of an exec op's mounts and of
 * merge and diff are indexes of the vertex's inputs; those of file actions are checked by the op's
 * runner, which knows the order of the actions.
 */
final class OpCodec {
  /** Each is a mount of the host's while the step runs, of which it has 100,000 for everybody. */
  private static final int MAX_MOUNTS = 1_000;

  private OpCodec() {}

  /**
   * @throws BuildException {@code INVALID}
   */
  static Op op(dev.kiln.grpc.pb.Op op) {
    int inputs = op.getInputsCount();
    return switch (op.getOpCase()) {
      case EXEC -> exec(op.getExec(), inputs);
      case SOURCE -> source(op.getSource());
      case FILE -> file(op.getFile());
      case BUILD -> build(op.getBuild());
      case MERGE ->
          new MergeOp(
              op.getMerge().getInputsList().stream()
                  .map(m -> required(m.getInput(), inputs, "merge"))
                  .toList());
      case DIFF ->
          new DiffOp(
              op.getDiff().hasLower()
                  ? index(op.getDiff().getLower().getInput(), inputs, "diff")
                  : OptionalInt.empty(),
              op.getDiff().hasUpper()
                  ? index(op.getDiff().getUpper().getInput(), inputs, "diff")
                  : OptionalInt.empty());
      case OP_NOT_SET -> throw invalid("invalid nil op");
    };
  }

  static SourceOp source(dev.kiln.grpc.pb.SourceOp op) {
    return new SourceOp(op.getIdentifier(), new TreeMap<>(op.getAttrsMap()));
  }

  static dev.kiln.grpc.pb.SourceOp message(SourceOp op) {
    return dev.kiln.grpc.pb.SourceOp.newBuilder()
        .setIdentifier(op.identifier())
        .putAllAttrs(op.attrs())
        .build();
  }

  static Platform platform(dev.kiln.grpc.pb.Platform p) {
    return new Platform(
        p.getOS(), p.getArchitecture(), p.getVariant(), p.getOSVersion(), p.getOSFeaturesList());
  }

  private static ExecOp exec(dev.kiln.grpc.pb.ExecOp op, int inputs) {
    refuseNul(op, "exec op: ");
    if (!op.hasMeta()) {
      throw invalid("invalid exec op with no meta");
    }
    if (op.getMeta().getArgsCount() == 0) {
      throw invalid("invalid exec op with no args");
    }
    if (op.getMountsCount() == 0) {
      throw invalid("invalid exec op with no mounts");
    }
    boundMounts(op.getMountsCount(), "step");
    if (op.getMountsList().stream().noneMatch(m -> m.getDest().equals(ExecOp.ROOT))) {
      throw invalid("invalid exec op with no rootfs");
    }
    return new ExecOp(
        meta(op.getMeta()),
        op.getMountsList().stream().map(m -> mount(m, inputs)).toList(),
        switch (op.getNetwork()) {
          case UNSET -> ExecOp.NetworkMode.UNSET;
          case HOST -> ExecOp.NetworkMode.HOST;
          case NONE -> ExecOp.NetworkMode.NONE;
          case UNRECOGNIZED ->
              throw invalid("invalid exec op with the network mode " + op.getNetworkValue());
        },
        switch (op.getSecurity()) {
          case SANDBOX -> ExecOp.SecurityMode.SANDBOX;
          case INSECURE -> ExecOp.SecurityMode.INSECURE;
          case UNRECOGNIZED ->
              throw invalid("invalid exec op with the security mode " + op.getSecurityValue());
        },
        op.getSecretenvList().stream()
            .map(s -> new ExecOp.SecretEnv(s.getID(), s.getName(), s.getOptional()))
            .toList(),
        op.getCdiDevicesList().stream()
            .map(d -> new ExecOp.CdiDevice(d.getName(), d.getOptional()))
            .toList());
  }

  private static ExecOp.Meta meta(Meta m) {
    return new ExecOp.Meta(
        List.copyOf(m.getArgsList()),
        List.copyOf(m.getEnvList()),
        m.getCwd(),
        m.getUser(),
        m.hasProxyEnv()
            ? Optional.of(
                new ExecOp.ProxyEnv(
                    m.getProxyEnv().getHttpProxy(),
                    m.getProxyEnv().getHttpsProxy(),
                    m.getProxyEnv().getFtpProxy(),
                    m.getProxyEnv().getNoProxy(),
                    m.getProxyEnv().getAllProxy()))
            : Optional.empty(),
        m.getExtraHostsList().stream().map(h -> new ExecOp.HostIp(h.getHost(), h.getIP())).toList(),
        m.getHostname(),
        m.getUlimitList().stream()
            .map(u -> new ExecOp.Ulimit(u.getName(), u.getSoft(), u.getHard()))
            .toList(),
        m.getCgroupParent(),
        m.getRemoveMountStubsRecursive(),
        m.getValidExitCodesList());
  }

  /**
   * @param of what has so many mounts, for the message
   * @throws BuildException {@code INVALID} where they are too many
   */
  static void boundMounts(int mounts, String of) {
    if (mounts > MAX_MOUNTS) {
      throw invalid(
          "%d mounts of one %s: the most is %d, mount a folder of them instead"
              .formatted(mounts, of, MAX_MOUNTS));
    }
  }

  static ExecOp.Mount mount(dev.kiln.grpc.pb.Mount m, int inputs) {
    return new ExecOp.Mount(
        m.getDest(),
        index(m.getInput(), inputs, "exec"),
        m.getSelector(),
        m.getOutput() < 0 ? OptionalInt.empty() : OptionalInt.of(whole(m.getOutput())),
        m.getReadonly(),
        mountOptions(m),
        m.getResultID(),
        switch (m.getContentCache()) {
          case DEFAULT -> ExecOp.ContentCache.DEFAULT;
          case ON -> ExecOp.ContentCache.ON;
          case OFF -> ExecOp.ContentCache.OFF;
          case UNRECOGNIZED ->
              throw invalid("invalid mount with the content cache " + m.getContentCacheValue());
        });
  }

  private static MountOptions mountOptions(dev.kiln.grpc.pb.Mount m) {
    return switch (m.getMountType()) {
      case BIND -> new MountOptions.Bind();
      case TMPFS ->
          new MountOptions.Tmpfs(
              m.hasTmpfsOpt() ? OptionalLong.of(m.getTmpfsOpt().getSize()) : OptionalLong.empty());
      case SECRET -> {
        if (!m.hasSecretOpt()) {
          throw invalid("invalid secret mount options");
        }
        var s = m.getSecretOpt();
        yield new MountOptions.Secret(
            s.getID(), s.getUid(), s.getGid(), s.getMode(), s.getOptional());
      }
      case SSH -> {
        if (!m.hasSSHOpt()) {
          throw invalid("invalid ssh mount options");
        }
        var s = m.getSSHOpt();
        yield new MountOptions.Ssh(s.getID(), s.getUid(), s.getGid(), s.getMode(), s.getOptional());
      }
      case CACHE ->
          new MountOptions.Cache(
              m.hasCacheOpt()
                  ? Optional.of(
                      new CacheOptions(
                          m.getCacheOpt().getID(),
                          switch (m.getCacheOpt().getSharing()) {
                            case SHARED -> CacheSharing.SHARED;
                            case PRIVATE -> CacheSharing.PRIVATE;
                            case LOCKED -> CacheSharing.LOCKED;
                            case UNRECOGNIZED -> throw invalid("invalid cache sharing mode");
                          }))
                  : Optional.empty());
      case UNRECOGNIZED ->
          throw invalid("mount type " + m.getMountTypeValue() + " not implemented");
    };
  }

  private static FileOp file(dev.kiln.grpc.pb.FileOp op) {
    refuseNul(op, "file op: ");
    if (op.getActionsCount() == 0) {
      throw invalid("invalid file op with no actions");
    }
    return new FileOp(
        op.getActionsList().stream()
            .map(a ->
                new FileOp.Step(
                    whole(a.getInput()),
                    whole(a.getSecondaryInput()),
                    whole(a.getOutput()),
                    action(a)))
            .toList());
  }

  private static FileAction action(dev.kiln.grpc.pb.FileAction a) {
    return switch (a.getActionCase()) {
      case COPY -> {
        var c = a.getCopy();
        yield new FileAction.Copy(
            c.getSrc(),
            c.getDest(),
            owner(c.hasOwner(), c.getOwner()),
            c.getMode(),
            c.getModeStr(),
            c.getFollowSymlink(),
            c.getDirCopyContents(),
            c.getAttemptUnpackDockerCompatibility(),
            c.getCreateDestPath(),
            c.getAllowWildcard(),
            c.getAllowEmptyWildcard(),
            c.getTimestamp(),
            c.getIncludePatternsList(),
            c.getExcludePatternsList(),
            c.getAlwaysReplaceExistingDestPaths());
      }
      case MKFILE -> {
        var m = a.getMkfile();
        yield new FileAction.MkFile(
            m.getPath(),
            m.getMode(),
            m.getData().toByteArray(),
            owner(m.hasOwner(), m.getOwner()),
            m.getTimestamp());
      }
      case MKDIR -> {
        var m = a.getMkdir();
        yield new FileAction.MkDir(
            m.getPath(),
            m.getMode(),
            m.getMakeParents(),
            owner(m.hasOwner(), m.getOwner()),
            m.getTimestamp());
      }
      case RM ->
          new FileAction.Rm(
              a.getRm().getPath(), a.getRm().getAllowNotFound(), a.getRm().getAllowWildcard());
      case SYMLINK -> {
        var s = a.getSymlink();
        yield new FileAction.Symlink(
            s.getOldpath(), s.getNewpath(), owner(s.hasOwner(), s.getOwner()), s.getTimestamp());
      }
      case ACTION_NOT_SET -> throw invalid("invalid file op with an unknown action");
    };
  }

  private static Optional<FileAction.Owner> owner(boolean given, ChownOpt owner) {
    return given
        ? Optional.of(
            new FileAction.Owner(
                user(owner.hasUser(), owner.getUser()), user(owner.hasGroup(), owner.getGroup())))
        : Optional.empty();
  }

  private static Optional<FileAction.UserRef> user(boolean given, UserOpt user) {
    if (!given) {
      return Optional.empty();
    }
    return switch (user.getUserCase()) {
      case BYID -> Optional.of(new FileAction.ById(Integer.toUnsignedLong(user.getByID())));
      case BYNAME ->
          Optional.of(
              new FileAction.ByName(
                  user.getByName().getName(), whole(user.getByName().getInput())));
      case USER_NOT_SET -> Optional.empty();
    };
  }

  private static BuildOp build(dev.kiln.grpc.pb.BuildOp op) {
    var inputs = new TreeMap<String, Integer>();
    op.getInputsMap().forEach((name, input) -> inputs.put(name, whole(input.getInput())));
    return new BuildOp(
        whole(op.getBuilder()),
        inputs,
        op.hasDef() ? Optional.of(op.getDef().toByteArray()) : Optional.empty(),
        new TreeMap<>(op.getAttrsMap()));
  }

  private static OptionalInt index(long input, int inputs, String op) {
    return input == -1 ? OptionalInt.empty() : OptionalInt.of(required(input, inputs, op));
  }

  private static int required(long input, int inputs, String op) {
    if (input < 0 || input >= inputs) {
      throw invalid("invalid " + op + " op with input " + input + " of " + inputs);
    }
    return (int) input;
  }

  private static int whole(long index) {
    if (index != (int) index) {
      throw invalid("invalid index " + index);
    }
    return (int) index;
  }

  /**
   * Neither a path nor an argument nor a variable of a process can have one: the kernel would end
   * the text there.
   *
   * @param at what the message is, and the way to it
   */
  static void refuseNul(Message message, String at) {
    message
        .getAllFields()
        .forEach((field, value) -> {
          List<?> values = value instanceof List<?> list ? list : List.of(value);
          for (Object each : values) {
            if (each instanceof Message inner) { // as deep as the schema, which has no cycle here
              refuseNul(inner, at + field.getName() + ".");
            } else if (each instanceof String text && text.indexOf('\0') >= 0) {
              // not shown: it may be a variable with a password
              throw invalid("invalid " + at + field.getName() + " has a NUL byte");
            }
          }
        });
  }

  static BuildException invalid(String message) {
    return new BuildException(Kind.INVALID, message);
  }
}
