package dev.kiln.control;

import dev.kiln.exec.cdi.CdiDevices;
import dev.kiln.grpc.types.BuildkitVersion;
import dev.kiln.grpc.types.CDIDevice;
import dev.kiln.grpc.types.GCPolicy;
import dev.kiln.grpc.types.WorkerRecord;
import dev.kiln.llb.DeviceRights;
import dev.kiln.model.BuildException;
import dev.kiln.model.FieldFilter;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import dev.kiln.store.PruneRequest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The one worker of this daemon, as clients list it. Its id is kept on disk. Any thread. */
public final class Workers {
  private static final String LABEL = "org.mobyproject.buildkit.worker.";

  /**
   * What the daemon knows of its worker.
   *
   * @param stateFolder of the worker, below the daemon's root
   * @param platforms configured ones; empty: those of the machine
   * @param platformsMaxAge how long probed platforms hold; negative for ever
   * @param network {@code host}, {@code cni} or {@code none}
   * @param labels configured ones, which win over the worker's own
   * @param devices what steps may be given of the machine's devices
   * @param policies the collector's rules, in order
   */
  public record Description(
      Path stateFolder,
      List<Platform> platforms,
      Duration platformsMaxAge,
      String snapshotter,
      String network,
      Map<String, String> labels,
      boolean selinux,
      String apparmorProfile,
      boolean processSandbox,
      CdiDevices devices,
      List<PruneRequest> policies,
      BuildkitVersion version) {
    public Description {
      platforms = List.copyOf(platforms);
      labels = Map.copyOf(labels);
      policies = List.copyOf(policies);
    }
  }

  private final Description worker;
  private final String id;
  private final HostPlatforms host;

  private Workers(Description worker, String id, HostPlatforms host) {
    this.worker = worker;
    this.id = id;
    this.host = host;
  }

  /** Reads the worker's id, or makes one. */
  public static Workers open(Description worker, Clock clock) throws IOException {
    return new Workers(
        worker,
        WorkerId.readOrMake(worker.stateFolder().resolve("workerid")),
        new HostPlatforms(Path.of("/proc"), worker.platformsMaxAge(), clock));
  }

  public String id() {
    return id;
  }

  public CdiDevices devices() {
    return worker.devices();
  }

  /** The devices as builds ask for them. */
  public DeviceRights.Registry deviceRegistry() {
    return new WorkerDevices(worker.devices());
  }

  public BuildkitVersion version() {
    return worker.version();
  }

  /** What can be built for; the first is the default. */
  public List<Platform> platforms() {
    return worker.platforms().isEmpty() ? host.current() : worker.platforms();
  }

  /** What the machine runs by itself, whatever is configured. */
  public List<Platform> runnable() {
    return host.current();
  }

  /** Labels in the order of their names. */
  public TreeMap<String, String> labels() {
    var labels = new TreeMap<String, String>();
    labels.put(LABEL + "executor", "oci");
    labels.put(LABEL + "hostname", hostname());
    labels.put(LABEL + "network", worker.network());
    labels.put(LABEL + "oci.process-mode", worker.processSandbox() ? "sandbox" : "no-sandbox");
    labels.put(LABEL + "selinux.enabled", Boolean.toString(worker.selinux()));
    labels.put(LABEL + "snapshotter", worker.snapshotter());
    if (!worker.apparmorProfile().isEmpty()) {
      labels.put(LABEL + "apparmor.profile", worker.apparmorProfile());
    }
    labels.putAll(worker.labels());
    return labels;
  }

  /**
   * The workers that one of the filters lets through: containerd's language over {@code id} and
   * {@code labels}.
   */
  public List<WorkerRecord> list(List<String> filters) {
    List<FieldFilter> parsed = filters.stream().map(FieldFilter::parse).toList();
    return FieldFilter.any(parsed, this::field) ? List.of(record()) : List.of();
  }

  private Optional<String> field(List<String> path) {
    return switch (path.getFirst()) {
      case "id" -> Optional.of(id);
      case "labels" ->
          Optional.ofNullable(labels().get(String.join(".", path.subList(1, path.size()))));
      default -> Optional.empty();
    };
  }

  public WorkerRecord record() {
    return WorkerRecord.newBuilder()
        .setID(id)
        .putAllLabels(labels())
        .addAllPlatforms(platforms().stream().map(WirePlatforms::platform).toList())
        .addAllGCPolicy(worker.policies().stream().map(Workers::policy).toList())
        .setBuildkitVersion(worker.version())
        .addAllCDIDevices(worker.devices().list().stream().map(Workers::device).toList())
        .build();
  }

  private static CDIDevice device(CdiDevices.Device device) {
    return CDIDevice.newBuilder()
        .setName(device.name())
        .setAutoAllow(device.autoAllowed())
        .putAllAnnotations(device.annotations())
        .build();
  }

  private static GCPolicy policy(PruneRequest rule) {
    return GCPolicy.newBuilder()
        .setAll(rule.all())
        .addAllFilters(rule.filters())
        .setKeepDuration(rule.keepDuration().toNanos())
        .setReservedSpace(rule.reservedBytes())
        .setMaxUsedSpace(rule.maxUsedBytes())
        .setMinFreeSpace(rule.minFreeBytes())
        .build();
  }

  private static String hostname() {
    try {
      return Files.readString(Path.of("/proc/sys/kernel/hostname"), StandardCharsets.UTF_8).strip();
    } catch (IOException e) {
      try {
        return InetAddress.getLocalHost().getHostName();
      } catch (UnknownHostException unknown) {
        throw new BuildException(Kind.INTERNAL, "the machine has no name", unknown);
      }
    }
  }
}
