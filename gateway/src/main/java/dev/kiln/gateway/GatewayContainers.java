package dev.kiln.gateway;

import akka.NotUsed;
import akka.stream.javadsl.Source;
import dev.kiln.actors.ResultId;
import dev.kiln.actors.StepWorkers;
import dev.kiln.exec.Executor;
import dev.kiln.grpc.gateway.ExecMessage;
import dev.kiln.grpc.gateway.NewContainerRequest;
import dev.kiln.grpc.pb.Mount;
import dev.kiln.llb.Definitions;
import dev.kiln.llb.Entitlements;
import dev.kiln.llb.ExecOp;
import dev.kiln.llb.FrontendRef;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.model.StepProgress;
import dev.kiln.mounts.PreparedMounts;
import dev.kiln.mounts.StepMounts;
import dev.kiln.session.Sessions;
import dev.kiln.store.Lease;
import dev.kiln.store.RefId;
import dev.kiln.store.Store;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Runs the containers of one build's frontend. Rules: BuildKit v0.22 {@code
 * frontend/gateway/gateway.go} and {@code container/container.go}. Any thread.
 */
public final class GatewayContainers implements Containers {
  /** What is shared by all builds; the daemon owns the parts. Immutable. */
  public record Services(
      Store store, Executor executor, StepMounts mounts, Sessions sessions, StepWorkers workers) {}

  private final Services services;
  private final List<String> sessionIds;
  private final Entitlements granted;
  private final Lease lease;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, GatewayContainer> byId = new HashMap<>();
  private boolean closed;

  /**
   * @param build for logs
   * @param granted what the build may do
   */
  public GatewayContainers(
      Services services, String build, List<String> sessionIds, Entitlements granted) {
    this.services = services;
    this.sessionIds = List.copyOf(sessionIds);
    this.granted = granted;
    this.lease = services.store().leases().open("containers-" + build);
  }

  @Override
  public void create(
      NewContainerRequest request,
      Function<String, Optional<FrontendRef>> refs,
      Predicate<String> told)
      throws InterruptedException {
    String id = request.getContainerID();
    Definitions.boundMounts(request.getMountsCount());
    var place = // before anything is mounted: what it refuses leaves nothing to give back
        new GatewayContainer.Place(
            GatewayMessages.network(request.getNetwork()),
            request.getHostname(),
            request.getExtraHostsList().stream()
                .map(h -> new ExecOp.HostIp(h.getHost(), h.getIP()))
                .toList(),
            request.getPlatform().getOS());
    var container =
        new GatewayContainer(
            services.executor(),
            services.workers(),
            services.sessions().group(sessionIds),
            granted,
            prepare(request, refs, told),
            place);
    lock.lock();
    try {
      if (!closed && byId.putIfAbsent(id, container) == null) {
        return;
      }
    } finally {
      lock.unlock();
    }
    container.close();
    throw new BuildException(Kind.ALREADY_EXISTS, "Container " + id + " already exists");
  }

  private PreparedMounts prepare(
      NewContainerRequest request,
      Function<String, Optional<FrontendRef>> refs,
      Predicate<String> told)
      throws InterruptedException {
    var inputs = new ArrayList<Optional<RefId>>();
    var mounts = new ArrayList<ExecOp.Mount>();
    for (Mount asked : request.getMountsList()) {
      Mount.Builder mount = asked.toBuilder().clearResultID().clearContentCache();
      Optional<RefId> ref = ref(asked, refs, told);
      if (ref.isPresent()) {
        inputs.add(ref);
        mount.setInput(inputs.size() - 1);
      } else {
        mount.setInput(-1);
      }
      // every mount has an output, so that what is not read-only can be written
      mount.setOutput(0);
      mounts.add(Definitions.mount(mount.build(), inputs.size()));
    }
    return services
        .mounts()
        .prepare(
            new StepMounts.Request(
                "container " + request.getContainerID(),
                "",
                mounts,
                inputs,
                lease,
                services.sessions().group(sessionIds),
                StepProgress.NONE));
  }

  private Optional<RefId> ref(
      Mount mount, Function<String, Optional<FrontendRef>> refs, Predicate<String> told)
      throws InterruptedException {
    String id = mount.getResultID();
    if (id.isEmpty()) {
      return Optional.empty();
    }
    if (told.test(id)) { // what a failed step left is named by the store's own id
      return Optional.of(services.store().refs().get(lease, new RefId(id)).id());
    }
    Optional<FrontendRef> found;
    try {
      found = refs.apply(id);
    } catch (BuildException e) {
      throw e.wrap("failed to find ref " + id + " for \"" + mount.getDest() + "\" mount");
    }
    if (found.isEmpty()) {
      return Optional.empty();
    }
    if (found.get() instanceof BridgeRef ref) {
      return ref.solve().result().map(ResultId::value).map(RefId::new);
    }
    throw new IllegalStateException("a ref of another bridge");
  }

  /** The container of that id. */
  GatewayContainer find(String id) {
    lock.lock();
    try {
      GatewayContainer container = byId.get(id);
      if (container == null) {
        throw new BuildException(
            Kind.NOT_FOUND, "container \"" + id + "\" previously released or not created");
      }
      return container;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void release(String containerId) throws InterruptedException {
    GatewayContainer container;
    lock.lock();
    try {
      container = byId.remove(containerId);
    } finally {
      lock.unlock();
    }
    if (container == null) {
      throw new BuildException(
          Kind.NOT_FOUND, "container details for " + containerId + " not found");
    }
    if (container.end()) {
      // BuildKit's answer, too, where a process had to be stopped (v0.22 container/container.go)
      throw new BuildException(Kind.CANCELED, "context canceled");
    }
  }

  @Override
  public Source<ExecMessage, NotUsed> exec(Source<ExecMessage, NotUsed> in) {
    return ProcessStream.over(in, this);
  }

  @Override
  public void close() {
    List<GatewayContainer> left;
    lock.lock();
    try {
      closed = true;
      left = List.copyOf(byId.values());
      byId.clear();
    } finally {
      lock.unlock();
    }
    left.forEach(GatewayContainer::close);
    lease.close();
  }
}
