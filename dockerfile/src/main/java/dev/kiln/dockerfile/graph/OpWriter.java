package dev.kiln.dockerfile.graph;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.UnsafeByteOperations;
import dev.kiln.dockerfile.shell.Environment;
import dev.kiln.grpc.pb.CacheOpt;
import dev.kiln.grpc.pb.ExecOp;
import dev.kiln.grpc.pb.FileAction;
import dev.kiln.grpc.pb.FileOp;
import dev.kiln.grpc.pb.Input;
import dev.kiln.grpc.pb.MergeInput;
import dev.kiln.grpc.pb.MergeOp;
import dev.kiln.grpc.pb.Meta;
import dev.kiln.grpc.pb.MountType;
import dev.kiln.grpc.pb.NetMode;
import dev.kiln.grpc.pb.Op;
import dev.kiln.grpc.pb.OpMetadata;
import dev.kiln.grpc.pb.ProgressGroup;
import dev.kiln.grpc.pb.SSHOpt;
import dev.kiln.grpc.pb.SecretEnv;
import dev.kiln.grpc.pb.SecretOpt;
import dev.kiln.grpc.pb.SecurityMode;
import dev.kiln.grpc.pb.SourceOp;
import dev.kiln.grpc.pb.TmpfsOpt;
import dev.kiln.grpc.pb.WorkerConstraints;
import dev.kiln.model.Digest;
import dev.kiln.model.Platform;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * One node to the bytes of its op, field by field as BuildKit's Go client writes them (v0.22 {@code
 * client/llb}), and to its metadata. Stateless but for the resolver of inputs.
 */
final class OpWriter {
  private final Platform defaultPlatform;
  private final Function<Output.Made, Input> resolve;

  OpWriter(Platform defaultPlatform, Function<Output.Made, Input> resolve) {
    this.defaultPlatform = defaultPlatform;
    this.resolve = resolve;
  }

  record Written(Digest digest, ByteString bytes, OpMetadata metadata) {}

  /** What the node needs, in the order in which a definition lists it. */
  static List<Output> inputs(Node node) {
    return switch (node) {
      case Node.Source _, Node.Given _ -> List.of();
      case Node.Merge merge -> merge.layers();
      case Node.File file -> fileInputs(file);
      case Node.Exec exec -> {
        var inputs = new ArrayList<Output>();
        for (Placed placed : placed(exec)) {
          placed.source().ifPresent(inputs::add);
        }
        yield inputs;
      }
    };
  }

  /** The base, then the sources of the copies from the last step to the first. */
  private static List<Output> fileInputs(Node.File file) {
    var inputs = new ArrayList<Output>();
    file.base().ifPresent(inputs::add);
    for (FileStep step : file.steps().reversed()) {
      if (step instanceof FileStep.Copy copy) {
        copy.source().ifPresent(inputs::add);
      }
    }
    return inputs;
  }

  Written write(Node node) {
    var caps = new TreeSet<>(node.options().caps());
    Op.Builder op =
        switch (node) {
          case Node.Source source -> source(source);
          case Node.File file -> file(file, caps);
          case Node.Merge merge -> merge(merge);
          case Node.Exec exec -> exec(exec, caps);
          case Node.Given _ -> throw new IllegalArgumentException("a given op is written already");
        };
    op.setConstraints(WorkerConstraints.getDefaultInstance());
    byte[] bytes = bytes(op.build());
    return new Written(
        Digest.of(bytes), UnsafeByteOperations.unsafeWrap(bytes), metadata(node.options(), caps));
  }

  /** Go's deterministic marshalling: the choice after all other fields, maps sorted by key. */
  private static byte[] bytes(Op op) {
    var choice = Op.newBuilder();
    switch (op.getOpCase()) {
      case EXEC -> choice.setExec(op.getExec());
      case SOURCE -> choice.setSource(op.getSource());
      case FILE -> choice.setFile(op.getFile());
      case MERGE -> choice.setMerge(op.getMerge());
      case BUILD, DIFF, OP_NOT_SET ->
          throw new IllegalArgumentException("no node is written as " + op.getOpCase());
    }
    Op last = choice.build();
    Op first = op.toBuilder().clearOp().build();
    byte[] bytes = new byte[first.getSerializedSize() + last.getSerializedSize()];
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    out.useDeterministicSerialization();
    try {
      first.writeTo(out);
      last.writeTo(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // memory does not fail
    }
    return bytes;
  }

  private static OpMetadata metadata(NodeOptions options, TreeSet<String> caps) {
    var metadata =
        OpMetadata.newBuilder()
            .setIgnoreCache(options.ignoreCache())
            .putAllDescription(options.description());
    caps.forEach(cap -> metadata.putCaps(cap, true));
    options
        .group()
        .ifPresent(g ->
            metadata.setProgressGroup(
                ProgressGroup.newBuilder().setId(g.id()).setName(g.name()).setWeak(g.weak())));
    return metadata.build();
  }

  private Op.Builder source(Node.Source source) {
    var op =
        Op.newBuilder()
            .setSource(
                SourceOp.newBuilder()
                    .setIdentifier(source.identifier())
                    .putAllAttrs(source.attributes()));
    boolean platformSpecific =
        source.identifier().startsWith("docker-image://")
            || source.identifier().startsWith("oci-layout://");
    return platformSpecific
        ? op.setPlatform(proto(source.options().platform().orElse(defaultPlatform)))
        : op;
  }

  private static dev.kiln.grpc.pb.Platform proto(Platform platform) {
    return dev.kiln.grpc.pb.Platform.newBuilder()
        .setOS(platform.os())
        .setArchitecture(platform.architecture())
        .setVariant(platform.variant())
        .setOSVersion(platform.osVersion())
        .addAllOSFeatures(platform.osFeatures())
        .build();
  }

  private Op.Builder merge(Node.Merge merge) {
    var op = Op.newBuilder();
    var layers = MergeOp.newBuilder();
    for (Output layer : merge.layers()) {
      layer
          .made()
          .ifPresent(made -> {
            layers.addInputs(MergeInput.newBuilder().setInput(op.getInputsCount()));
            op.addInputs(resolve.apply(made));
          });
    }
    return op.setMerge(layers);
  }

  private int inputIndex(Op.Builder op, Optional<Output> output) {
    Optional<Output.Made> made = output.flatMap(Output::made);
    if (made.isEmpty()) {
      return -1;
    }
    Input input = resolve.apply(made.get());
    int known = op.getInputsList().indexOf(input);
    if (known >= 0) {
      return known;
    }
    op.addInputs(input);
    return op.getInputsCount() - 1;
  }

  private Op.Builder file(Node.File file, TreeSet<String> caps) {
    caps.add("file.base");
    var op = Op.newBuilder();
    int base = inputIndex(op, file.base());
    var secondary = new ArrayList<Integer>();
    for (FileStep step : file.steps()) {
      secondary.add(step instanceof FileStep.Copy copy ? inputIndex(op, copy.source()) : -1);
    }
    var actions = FileOp.newBuilder();
    for (int i = 0; i < file.steps().size(); i++) {
      var action =
          FileAction.newBuilder()
              .setInput(i == 0 ? base : op.getInputsCount() + i - 1)
              .setSecondaryInput(secondary.get(i))
              .setOutput(i + 1 == file.steps().size() ? 0 : -1);
      switch (file.steps().get(i)) {
        case FileStep.Copy copy ->
            action.setCopy(FileStep.Protos.copy(copy, file.directory(), base));
        case FileStep.MakeFile make ->
            action.setMkfile(FileStep.Protos.makeFile(make, file.directory()));
        case FileStep.MakeDirectory make ->
            action.setMkdir(FileStep.Protos.makeDirectory(make, file.directory(), base));
      }
      actions.addActions(action);
    }
    return op.setFile(actions);
  }

  /** A mount that has a place among a process's file systems, the root included. */
  private record Placed(String target, Optional<Output> source, Optional<Node.Mount> mount) {}

  /** The root and the mounts of file systems, sorted by where they go. */
  private static List<Placed> placed(Node.Exec exec) {
    var placed = new ArrayList<Placed>();
    placed.add(new Placed("/", exec.base().output(), Optional.empty()));
    for (Node.Mount mount : exec.mounts()) {
      switch (mount) {
        case Node.Mount.Bind bind ->
            placed.add(new Placed(bind.target(), bind.source(), Optional.of(bind)));
        case Node.Mount.Cache cache ->
            placed.add(new Placed(cache.target(), cache.source(), Optional.of(cache)));
        case Node.Mount.Tmpfs tmpfs ->
            placed.add(new Placed(tmpfs.target(), Optional.empty(), Optional.of(tmpfs)));
        case Node.Mount.Secret _, Node.Mount.Ssh _ -> {}
      }
    }
    placed.sort(Comparator.comparing(Placed::target));
    return placed;
  }

  private Op.Builder exec(Node.Exec exec, TreeSet<String> caps) {
    var op = Op.newBuilder();
    var proto = ExecOp.newBuilder();
    ExecCaps.collect(exec, caps);
    proto
        .setMeta(meta(exec))
        .setNetwork(exec.process().network())
        .setSecurity(exec.process().security())
        .addAllCdiDevices(exec.process().devices());
    int outputs = 0;
    for (Placed placed : placed(exec)) {
      int input = inputIndex(op, placed.source());
      dev.kiln.grpc.pb.Mount mount = mount(placed, input, outputs);
      outputs += mount.getOutput() >= 0 ? 1 : 0;
      proto.addMounts(mount);
    }
    secretsAndSockets(exec, proto);
    Platform platform =
        exec.options().platform().or(() -> exec.base().platform()).orElse(defaultPlatform);
    return op.setExec(proto).setPlatform(proto(platform));
  }

  private static dev.kiln.grpc.pb.Mount mount(Placed placed, int input, int nextOutput) {
    var mount =
        dev.kiln.grpc.pb.Mount.newBuilder().setInput(input).setDest(placed.target()).setOutput(-1);
    if (placed.mount().isEmpty()) {
      return mount.setOutput(nextOutput).build();
    }
    return switch (placed.mount().get()) {
      case Node.Mount.Bind bind ->
          mount
              .setReadonly(bind.readOnly())
              .setOutput(bind.readOnly() || bind.discarded() ? -1 : nextOutput)
              .setSelector(bind.selector())
              .build();
      case Node.Mount.Cache cache ->
          mount
              .setReadonly(cache.readOnly())
              .setSelector(cache.selector())
              .setMountType(MountType.CACHE)
              .setCacheOpt(CacheOpt.newBuilder().setID(cache.id()).setSharing(cache.sharing()))
              .build();
      case Node.Mount.Tmpfs tmpfs ->
          mount
              .setReadonly(tmpfs.readOnly())
              .setMountType(MountType.TMPFS)
              .setTmpfsOpt(TmpfsOpt.newBuilder().setSize(tmpfs.sizeBytes()))
              .build();
      case Node.Mount.Secret _, Node.Mount.Ssh _ ->
          throw new IllegalStateException("secrets and sockets come after the file systems");
    };
  }

  private static void secretsAndSockets(Node.Exec exec, ExecOp.Builder proto) {
    for (Node.Mount mount : exec.mounts()) {
      if (mount instanceof Node.Mount.Secret secret) {
        secret
            .variable()
            .ifPresent(name ->
                proto.addSecretenv(
                    SecretEnv.newBuilder()
                        .setID(secret.id())
                        .setName(name)
                        .setOptional(secret.optional())));
        secret
            .target()
            .ifPresent(target ->
                proto.addMounts(
                    dev.kiln.grpc.pb.Mount.newBuilder()
                        .setInput(-1)
                        .setDest(target)
                        .setMountType(MountType.SECRET)
                        .setSecretOpt(
                            SecretOpt.newBuilder()
                                .setID(secret.id())
                                .setUid(secret.uid())
                                .setGid(secret.gid())
                                .setMode(secret.mode())
                                .setOptional(secret.optional()))));
      }
    }
    List<Node.Mount.Ssh> sockets = sockets(exec);
    for (int i = 0; i < sockets.size(); i++) {
      Node.Mount.Ssh ssh = sockets.get(i);
      proto.addMounts(
          dev.kiln.grpc.pb.Mount.newBuilder()
              .setInput(-1)
              .setDest(socketTarget(ssh, i))
              .setMountType(MountType.SSH)
              .setSSHOpt(
                  SSHOpt.newBuilder()
                      .setID(ssh.id())
                      .setUid(ssh.uid())
                      .setGid(ssh.gid())
                      .setMode(ssh.mode())
                      .setOptional(ssh.optional())));
    }
  }

  private static List<Node.Mount.Ssh> sockets(Node.Exec exec) {
    return exec.mounts().stream()
        .filter(Node.Mount.Ssh.class::isInstance)
        .map(Node.Mount.Ssh.class::cast)
        .toList();
  }

  private static String socketTarget(Node.Mount.Ssh ssh, int index) {
    return ssh.target().isEmpty() ? "/run/buildkit/ssh_agent." + index : ssh.target();
  }

  private static Meta meta(Node.Exec exec) {
    State base = exec.base();
    Node.Process process = exec.process();
    Environment environment = base.environment();
    List<Node.Mount.Ssh> sockets = sockets(exec);
    if (!sockets.isEmpty() && !environment.has("SSH_AUTH_SOCK")) {
      environment = environment.with("SSH_AUTH_SOCK", socketTarget(sockets.getFirst(), 0));
    }
    var meta =
        Meta.newBuilder()
            .addAllArgs(process.arguments())
            .setCwd(base.directory())
            .setUser(base.user())
            .addAllExtraHosts(process.hosts())
            .setHostname(base.hostname())
            .addAllUlimit(process.limits())
            .setCgroupParent(process.cgroupParent())
            .setRemoveMountStubsRecursive(true);
    environment.forEachEntry(meta::addEnvBytes);
    process.proxy().ifPresent(meta::setProxyEnv);
    return meta.build();
  }

  /** What an exec asks of the daemon. */
  private static final class ExecCaps {
    private ExecCaps() {}

    static void collect(Node.Exec exec, TreeSet<String> caps) {
      Node.Process process = exec.process();
      caps.add("exec.meta.base");
      caps.add("exec.meta.setsdefaultpath");
      addIf(caps, process.network() != NetMode.UNSET, "exec.meta.network");
      addIf(caps, process.security() != SecurityMode.SANDBOX, "exec.meta.security");
      addIf(caps, process.proxy().isPresent(), "exec.meta.proxyenv");
      addIf(caps, !process.limits().isEmpty(), "exec.meta.ulimit");
      addIf(caps, !process.devices().isEmpty(), "exec.meta.cdi");
      addIf(caps, exec.base().output().isPresent(), "exec.mount.bind");
      exec.mounts().forEach(mount -> collect(mount, caps));
    }

    private static void collect(Node.Mount mount, TreeSet<String> caps) {
      switch (mount) {
        case Node.Mount.Bind bind -> {
          addIf(caps, !bind.selector().isEmpty(), "exec.mount.selector");
          addIf(caps, bind.source().isPresent(), "exec.mount.bind");
        }
        case Node.Mount.Cache cache -> {
          addIf(caps, !cache.selector().isEmpty(), "exec.mount.selector");
          caps.add("exec.mount.cache");
          caps.add("exec.mount.cache.sharing");
        }
        case Node.Mount.Tmpfs tmpfs -> {
          caps.add("exec.mount.tmpfs");
          addIf(caps, tmpfs.sizeBytes() > 0, "exec.mount.tmpfs.size");
        }
        case Node.Mount.Secret secret -> {
          caps.add("exec.mount.secret");
          addIf(caps, secret.variable().isPresent(), "exec.secretenv");
        }
        case Node.Mount.Ssh _ -> caps.add("exec.mount.ssh");
      }
    }

    private static void addIf(TreeSet<String> caps, boolean condition, String cap) {
      if (condition) {
        caps.add(cap);
      }
    }
  }
}
