package dev.kiln.ops.exec;

import dev.kiln.actors.CacheMap;
import dev.kiln.actors.OpContext;
import dev.kiln.actors.OpRunner;
import dev.kiln.actors.ResultId;
import dev.kiln.exec.ContainerMount;
import dev.kiln.exec.ContainerSpec;
import dev.kiln.exec.ExitStatus;
import dev.kiln.exec.ProcessIo;
import dev.kiln.exec.ProcessSpec;
import dev.kiln.exec.cdi.CdiDevices;
import dev.kiln.exec.cdi.CdiEdits;
import dev.kiln.llb.ExecOp;
import dev.kiln.llb.Vertex;
import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.KeyDigest;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import dev.kiln.mounts.Environment;
import dev.kiln.mounts.PreparedMounts;
import dev.kiln.mounts.StepMounts;
import dev.kiln.ops.StoreLeases;
import dev.kiln.ops.key.ContentKeys;
import dev.kiln.ops.key.Selectors;
import dev.kiln.session.SessionGroup;
import dev.kiln.store.RefId;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Keys and runs an exec op. Any thread; {@link #run} blocks until the process has ended. Rules:
 * BuildKit v0.22 {@code solver/llbsolver/ops/exec.go}.
 */
public final class ExecOpRunner implements OpRunner {
  private final ExecServices services;
  private final Vertex vertex;
  private final ExecOp op;

  public ExecOpRunner(ExecServices services, Vertex vertex, ExecOp op) {
    this.services = services;
    this.vertex = vertex;
    this.op = op;
  }

  @Override
  public CacheMap cacheMap(int index, OpContext context) {
    return ExecOpKey.cacheMap(op, platform(), vertex.inputs().size());
  }

  private Platform platform() {
    return vertex.platform().orElseGet(Platform::host);
  }

  @Override
  public boolean cacheMapIsPure() {
    return true;
  }

  @Override
  public void prepare(int input, Optional<ResultId> result, OpContext context)
      throws InterruptedException {
    if (result.isPresent()) {
      services.refs().unlazy(StoreLeases.ref(result.get()), context.progress());
    }
  }

  @Override
  public Optional<KeyDigest> contentKey(int input, Optional<ResultId> result, OpContext context)
      throws IOException, InterruptedException {
    ExecOpKey.Part part = ExecOpKey.parts(op, vertex.inputs().size()).get(input);
    if (!part.byContent()) {
      return Optional.empty();
    }
    Selectors selectors = ExecOpKey.selectors(part);
    return Optional.of(
        selectors.contentKey(s -> ContentKeys.of(services.refs(), result, s, context)));
  }

  @Override
  public boolean needsPermit() {
    return true;
  }

  @Override
  public boolean runsOnPlatformThread() {
    return true;
  }

  @Override
  public List<Optional<ResultId>> run(List<Optional<ResultId>> inputs, OpContext context)
      throws IOException, InterruptedException {
    SessionGroup sessions = services.sessions().group(context::sessionIds);
    Optional<Path> emulator = services.emulators().of(platform());
    List<String> args = new ArrayList<>(op.meta().args());
    emulator.ifPresent(_ -> args.addFirst(Emulators.PLACE));
    String command = String.join(" ", args);
    var request =
        new StepMounts.Request(
            "exec " + String.join(" ", op.meta().args()),
            op.meta().cwd(),
            op.mounts(),
            inputs.stream().map(StoreLeases::ref).toList(),
            StoreLeases.of(context),
            sessions,
            context.progress());
    try (PreparedMounts mounts = services.mounts().prepare(request)) {
      ExitStatus status;
      try {
        status =
            services
                .executor()
                .run(
                    container(mounts, emulator),
                    process(args, sessions),
                    ProcessIo.output(
                        bytes -> context.progress().log(1, bytes),
                        bytes -> context.progress().log(2, bytes)),
                    _ -> {});
      } catch (BuildException e) {
        throw withState(failure(command, e.getMessage(), e.kind(), e), mounts);
      }
      status.usage().ifPresent(usage -> services.usages().put(vertex.digest(), usage));
      List<RefId> outputs = mounts.commit();
      if (!succeeded(status.code())) {
        throw withState(
            failure(command, status).with(new Detail.ProcessExited(status.code())), mounts);
      }
      return outputs.stream().map(ref -> Optional.of(StoreLeases.result(ref))).toList();
    }
  }

  private boolean succeeded(int code) {
    List<Integer> valid = op.meta().validExitCodes();
    return valid.isEmpty() ? code == 0 : valid.contains(code);
  }

  static BuildException failure(String command, ExitStatus status) {
    return status.outOfMemory()
        ? failure(command, "cannot allocate memory", Kind.EXHAUSTED, null)
        : failure(command, "exit code: " + status.code(), Kind.UNKNOWN, null);
  }

  private static BuildException failure(
      String command, String why, Kind kind, @org.jspecify.annotations.Nullable Throwable cause) {
    return new BuildException(
        kind,
        "process " + GoQuote.quote(command) + " did not complete successfully: " + why,
        cause);
  }

  /** Adds what a debugger can look at: the states are held while a job wants the vertex. */
  private BuildException withState(BuildException failure, PreparedMounts mounts) {
    return failure.with(
        new Detail.SolveFailed(
            mounts.inputIds(),
            mounts.mountIds(),
            vertex.opBytes(),
            -1,
            -1,
            vertex.options().description()));
  }

  private ContainerSpec container(PreparedMounts mounts, Optional<Path> emulator) {
    ExecOp.Meta meta = op.meta();
    List<ContainerMount> all = new ArrayList<>(mounts.mounts());
    emulator.ifPresent(e -> all.add(new ContainerMount.Bind(Emulators.PLACE, e, "", true)));
    return new ContainerSpec(
        services.newContainerId(),
        mounts.rootfs(),
        mounts.readonlyRootfs(),
        all,
        switch (op.network()) {
          case UNSET -> ContainerSpec.NetworkMode.SANDBOX;
          case HOST -> ContainerSpec.NetworkMode.HOST;
          case NONE -> ContainerSpec.NetworkMode.NONE;
        },
        switch (op.security()) {
          case SANDBOX -> ContainerSpec.Security.SANDBOX;
          case INSECURE -> ContainerSpec.Security.INSECURE;
        },
        meta.hostname(),
        meta.extraHosts().stream().map(h -> new ContainerSpec.HostEntry(h.host(), h.ip())).toList(),
        meta.ulimits().stream()
            .map(u -> new ContainerSpec.Ulimit(u.name(), u.soft(), u.hard()))
            .toList(),
        meta.cgroupParent().isEmpty() ? Optional.empty() : Optional.of(meta.cgroupParent()),
        meta.removeMountStubsRecursive(),
        true,
        devices());
  }

  private CdiEdits devices() {
    try {
      return services
          .devices()
          .edits(
              op.devices().stream()
                  .map(d -> new CdiDevices.Wanted(d.name(), d.optional()))
                  .toList());
    } catch (BuildException e) {
      throw e.wrap("CDI device injection failed");
    }
  }

  private ProcessSpec process(List<String> args, SessionGroup sessions)
      throws InterruptedException {
    var env = new ArrayList<>(op.meta().env());
    op.meta().proxyEnv().ifPresent(proxy -> env.addAll(Environment.proxies(proxy)));
    Environment.addDefault(env, "PATH", Environment.DEFAULT_PATH);
    env.addAll(Environment.secrets(op.secretEnv(), sessions));
    return new ProcessSpec(args, env, op.meta().cwd(), op.meta().user(), false);
  }
}
