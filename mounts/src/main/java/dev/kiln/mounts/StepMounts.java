package dev.kiln.mounts;

import dev.kiln.exec.ContainerMount;
import dev.kiln.llb.ExecOp;
import dev.kiln.llb.MountOptions;
import dev.kiln.llb.MountOptions.CacheOptions;
import dev.kiln.model.BuildException;
import dev.kiln.model.FilePaths;
import dev.kiln.model.Kind;
import dev.kiln.model.StepProgress;
import dev.kiln.mounts.PreparedMounts.Output;
import dev.kiln.mounts.PreparedMounts.Scratch;
import dev.kiln.session.ClientSession;
import dev.kiln.session.Secrets;
import dev.kiln.session.SessionGroup;
import dev.kiln.session.SshAgent;
import dev.kiln.store.ActiveRef;
import dev.kiln.store.Lease;
import dev.kiln.store.MutableRef;
import dev.kiln.store.RecordType;
import dev.kiln.store.RefId;
import dev.kiln.store.RefOptions;
import dev.kiln.store.Refs;
import dev.kiln.store.View;
import dev.kiln.sys.Directories;
import dev.kiln.sys.Mounts;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Prepares what a step's container mounts. Any thread; {@link #prepare} blocks on mounts, on
 * sessions, and on cache mounts that another step has locked. Rules: BuildKit v0.22 {@code
 * frontend/gateway/container/container.go}.
 */
public final class StepMounts {
  private static final Logger LOG = LoggerFactory.getLogger(StepMounts.class);
  private final Refs refs;
  private final Path scratch;

  /**
   * @param scratch a directory of this object alone; what a killed daemon left there is removed
   */
  public StepMounts(Refs refs, Path scratch) throws IOException {
    this.refs = refs;
    this.scratch = Directories.makePrivate(scratch).toRealPath();
    try (DirectoryStream<Path> left = Files.newDirectoryStream(this.scratch)) {
      for (Path directory : left) {
        Mounts.unmountAll(directory);
        Files.delete(directory);
      }
    }
  }

  /**
   * What to prepare.
   *
   * @param owner who the mounts are for, in descriptions of records
   * @param cwd what relative destinations count from
   * @param inputs what {@link ExecOp.Mount#input} numbers; absent for an empty file system
   * @param lease holds what is made
   */
  public record Request(
      String owner,
      String cwd,
      List<ExecOp.Mount> mounts,
      List<Optional<RefId>> inputs,
      Lease lease,
      SessionGroup sessions,
      StepProgress progress) {}

  public PreparedMounts prepare(Request request) throws InterruptedException {
    var preparation = new Preparation(request);
    try {
      return preparation.run();
    } catch (IOException e) {
      preparation.giveBack();
      throw BuildException.of(e);
    } catch (RuntimeException | InterruptedException e) {
      preparation.giveBack();
      throw e;
    }
  }

  /** One call of {@link #prepare}: collects what is to be closed again as it goes. */
  private final class Preparation {
    private final Request request;
    private final List<AutoCloseable> held = new ArrayList<>();
    private final List<ContainerMount> mounts = new ArrayList<>();
    private final List<Optional<RefId>> inputs = new ArrayList<>();
    private final List<Output> outputs = new ArrayList<>();
    private final List<Scratch> dropped = new ArrayList<>();
    private final Map<RefId, View> views = new HashMap<>();
    private final Map<String, MutableRef> caches = new HashMap<>();
    private Optional<SecretFiles> secrets = Optional.empty();
    private Optional<Path> rootfs = Optional.empty();
    private boolean readonlyRootfs;

    Preparation(Request request) {
      this.request = request;
    }

    PreparedMounts run() throws InterruptedException, IOException {
      claimCaches();
      for (int i = 0; i < request.mounts().size(); i++) {
        ExecOp.Mount mount = request.mounts().get(i);
        Optional<RefId> input = input(mount);
        inputs.add(input);
        if (mount.dest().equals(ExecOp.ROOT)) {
          root(i, mount, input);
        } else {
          other(i, mount, input);
        }
      }
      mounts.sort(Comparator.comparing(ContainerMount::destination));
      return new PreparedMounts(
          rootfs.orElseThrow(() -> new BuildException(Kind.INVALID, "no root mount")),
          readonlyRootfs,
          mounts,
          inputs,
          outputs,
          dropped,
          held);
    }

    private Optional<RefId> input(ExecOp.Mount mount) {
      if (mount.input().isEmpty()) {
        return Optional.empty();
      }
      int index = mount.input().getAsInt();
      if (index >= request.inputs().size()) {
        throw new BuildException(Kind.INVALID, "missing input " + index);
      }
      return request.inputs().get(index);
    }

    private void root(int index, ExecOp.Mount mount, Optional<RefId> input)
        throws InterruptedException {
      if (!(mount.options() instanceof MountOptions.Bind)) {
        throw new BuildException(
            Kind.INVALID, "invalid mount type " + typeName(mount.options()) + " for /");
      }
      if (mount.output().isEmpty() && input.isEmpty()) {
        throw new BuildException(Kind.INVALID, "mount / has no input");
      }
      // a root is always a state of its own: mount points have to be made in it
      ActiveRef state = create(mount, input);
      if (mount.output().isPresent()) {
        outputs.add(new Output.Written(index, state));
      } else {
        dropped.add(new Scratch(index, state));
      }
      rootfs = Optional.of(state.mount());
      readonlyRootfs = mount.readOnly();
    }

    private void other(int index, ExecOp.Mount mount, Optional<RefId> input)
        throws InterruptedException, IOException {
      String dest = destination(mount.dest());
      switch (mount.options()) {
        case MountOptions.Bind() -> bind(index, mount, dest, input);
        case MountOptions.Cache _ -> {
          MutableRef cache = caches.get(cacheKey(mount, input));
          if (cache == null) {
            throw new IllegalStateException("an unclaimed cache mount");
          }
          mounts.add(
              new ContainerMount.Bind(dest, cache.mount(), mount.selector(), mount.readOnly()));
          if (mount.output().isPresent() && input.isPresent()) {
            outputs.add(new Output.Passed(index, input.get()));
          }
        }
        case MountOptions.Tmpfs(var size) ->
            mounts.add(new ContainerMount.Tmpfs(dest, size.orElse(0), mount.readOnly()));
        case MountOptions.Secret secret -> secret(dest, secret);
        case MountOptions.Ssh ssh -> ssh(dest, ssh);
      }
    }

    private String destination(String dest) {
      return FilePaths.clean(dest.startsWith("/") ? dest : "/" + request.cwd() + "/" + dest);
    }

    private void bind(int index, ExecOp.Mount mount, String dest, Optional<RefId> input)
        throws InterruptedException {
      Path source;
      if (mount.readOnly() && input.isPresent()) {
        source = view(input.get());
        if (mount.output().isPresent()) {
          outputs.add(new Output.Passed(index, input.get()));
        }
      } else {
        ActiveRef state = create(mount, input);
        if (mount.output().isPresent()) {
          outputs.add(new Output.Written(index, state));
        } else {
          dropped.add(new Scratch(index, state));
        }
        source = state.mount();
      }
      mounts.add(new ContainerMount.Bind(dest, source, mount.selector(), mount.readOnly()));
    }

    private ActiveRef create(ExecOp.Mount mount, Optional<RefId> parent)
        throws InterruptedException {
      var options = RefOptions.of("mount " + mount.dest() + " from " + request.owner());
      ActiveRef state = refs.create(request.lease(), parent, options, request.progress());
      held.add(state);
      return state;
    }

    private Path view(RefId ref) throws InterruptedException {
      View view = views.get(ref);
      if (view == null) {
        view = refs.view(ref, request.progress());
        held.add(view);
        views.put(ref, view);
      }
      return view.root();
    }

    /**
     * Claims all cache mounts in the order of their names: two steps that lock the same ones cannot
     * wait for each other.
     */
    private void claimCaches() throws InterruptedException {
      Map<String, ExecOp.Mount> wanted = new TreeMap<>();
      for (ExecOp.Mount mount : request.mounts()) {
        if (mount.options() instanceof MountOptions.Cache) {
          wanted.putIfAbsent(cacheKey(mount, input(mount)), mount);
        }
      }
      for (Map.Entry<String, ExecOp.Mount> entry : wanted.entrySet()) {
        ExecOp.Mount mount = entry.getValue();
        CacheOptions options = cacheOptions(mount);
        String description = "cached mount " + mount.dest() + " from " + request.owner();
        if (!options.id().equals(mount.dest())) {
          description += " with id \"" + options.id() + "\"";
        }
        MutableRef cache =
            refs.claim(
                request.lease(),
                entry.getKey(),
                input(mount),
                CacheMounts.sharing(options),
                RefOptions.of(description).withType(RecordType.CACHE_MOUNT));
        held.add(cache);
        caches.put(entry.getKey(), cache);
      }
    }

    private static String cacheKey(ExecOp.Mount mount, Optional<RefId> input) {
      return CacheMounts.key(cacheOptions(mount).id(), input);
    }

    private static CacheOptions cacheOptions(ExecOp.Mount mount) {
      if (mount.options() instanceof MountOptions.Cache(Optional<CacheOptions> options)) {
        return options.orElseThrow(
            () -> new BuildException(Kind.INVALID, "missing cache mount options"));
      }
      throw new IllegalArgumentException("not a cache mount: " + mount.dest());
    }

    private void secret(String dest, MountOptions.Secret secret)
        throws InterruptedException, IOException {
      if (secret.id().isEmpty()) {
        throw new BuildException(Kind.INVALID, "secret ID missing from mount options");
      }
      byte[] value;
      try {
        value = Secrets.get(request.sessions(), secret.id());
      } catch (BuildException e) {
        if (secret.optional() && e.kind() == Kind.NOT_FOUND) {
          return;
        }
        throw e;
      }
      if (secrets.isEmpty()) {
        SecretFiles files = SecretFiles.create(scratch);
        held.add(files);
        secrets = Optional.of(files);
      }
      mounts.add(secrets.get().add(dest, secret, value));
    }

    private void ssh(String dest, MountOptions.Ssh ssh) throws InterruptedException, IOException {
      Optional<ClientSession> session;
      try {
        session =
            request
                .sessions()
                .any(s -> {
                  SshAgent.check(s, ssh.id());
                  return Optional.of(s);
                });
      } catch (BuildException e) {
        if (ssh.optional()) {
          return;
        }
        if (e.kind() == Kind.UNSUPPORTED) {
          throw new BuildException(
              Kind.UNKNOWN, "no SSH key \"" + ssh.id() + "\" forwarded from the client", e);
        }
        throw e;
      }
      if (session.isPresent()) {
        SshAgent agent =
            SshAgent.open(
                session.get(),
                ssh.id(),
                new SshAgent.Owner(ssh.uid(), ssh.gid(), ssh.mode() & 0777));
        held.add(agent);
        mounts.add(new ContainerMount.Bind(dest, agent.socket(), "", false));
      }
    }

    void giveBack() {
      held.reversed().forEach(StepMounts::close);
    }
  }

  private static String typeName(MountOptions options) {
    return switch (options) {
      case MountOptions.Bind _ -> "BIND";
      case MountOptions.Secret _ -> "SECRET";
      case MountOptions.Ssh _ -> "SSH";
      case MountOptions.Cache _ -> "CACHE";
      case MountOptions.Tmpfs _ -> "TMPFS";
    };
  }

  /** Closes one thing; what goes wrong is logged, so that the next is closed too. */
  static void close(AutoCloseable one) {
    try {
      one.close();
    } catch (Exception e) {
      LOG.warn("{} could not be given back", one, e);
    }
  }
}
