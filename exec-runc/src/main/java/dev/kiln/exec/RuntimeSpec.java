package dev.kiln.exec;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.kiln.exec.ContainerSpec.Security;
import dev.kiln.exec.ContainerSpec.Ulimit;
import dev.kiln.exec.Networks.Network;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The OCI configuration ({@code config.json}) of one container. Immutable; the bytes hold the
 * step's environment, secrets included, and are for runc alone. Equal in effect to what BuildKit
 * v0.22 makes ({@code executor/oci/spec_linux.go} on containerd's default spec).
 */
record RuntimeSpec(
    ContainerSpec container,
    ProcessSpec process,
    Users.User user,
    Network network,
    List<OciMount> mounts,
    String cgroupsPath,
    Host host) {
  private static final JsonFactory JSON = new JsonFactory();

  /** One entry of {@code mounts}. */
  record OciMount(String destination, String type, String source, List<String> options) {}

  /**
   * What is the same for all containers of this daemon.
   *
   * @param seccomp JSON of the profile; empty where the kernel has none
   * @param cgroupNamespace whether containers get one of their own
   * @param allCapabilities what an insecure step gets
   * @param openFiles of containers that have no such limit of their own
   */
  record Host(
      String seccomp,
      boolean cgroupNamespace,
      List<String> allCapabilities,
      String apparmorProfile,
      OptionalInt oomScoreAdj,
      Optional<Ulimit> openFiles) {}

  private static final List<String> DEFAULT_CAPABILITIES =
      List.of(
          "CAP_CHOWN",
          "CAP_DAC_OVERRIDE",
          "CAP_FSETID",
          "CAP_FOWNER",
          "CAP_MKNOD",
          "CAP_NET_RAW",
          "CAP_SETGID",
          "CAP_SETUID",
          "CAP_SETFCAP",
          "CAP_SETPCAP",
          "CAP_NET_BIND_SERVICE",
          "CAP_SYS_CHROOT",
          "CAP_KILL",
          "CAP_AUDIT_WRITE");

  /** As containerd v2.2 {@code pkg/oci/spec.go} has them: what tells of the machine and others. */
  private static final List<String> MASKED_PATHS =
      List.of(
          "/proc/acpi",
          "/proc/asound",
          "/proc/interrupts",
          "/proc/kcore",
          "/proc/keys",
          "/proc/latency_stats",
          "/proc/timer_list",
          "/proc/timer_stats",
          "/proc/sched_debug",
          "/sys/firmware",
          "/sys/devices/virtual/powercap",
          "/proc/scsi");

  /** And how hot each processor gets, which is a side channel. */
  static List<String> maskedPaths(Path processors) {
    var all = new ArrayList<>(MASKED_PATHS);
    try (var each = Files.newDirectoryStream(processors, "cpu[0-9]*")) {
      for (Path processor : each) {
        Path throttle = processor.resolve("thermal_throttle");
        if (Files.exists(throttle)) {
          all.add(throttle.toString());
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      return MASKED_PATHS; // nothing is told where there is nothing
    }
    return all;
  }

  private static final List<String> READONLY_PATHS =
      List.of("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger");

  private static List<OciMount> systemMounts(Path resolvConf, Path hosts, boolean insecure) {
    String systems = insecure ? "rw" : "ro";
    var fileOptions = List.of("nosuid", "noexec", "nodev", "rbind", "ro");
    return List.of(
        new OciMount("/proc", "proc", "proc", List.of("nosuid", "noexec", "nodev")),
        new OciMount(
            "/dev", "tmpfs", "tmpfs", List.of("nosuid", "strictatime", "mode=755", "size=65536k")),
        new OciMount(
            "/dev/pts",
            "devpts",
            "devpts",
            List.of("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5")),
        new OciMount(
            "/dev/shm",
            "tmpfs",
            "shm",
            List.of("nosuid", "noexec", "nodev", "mode=1777", "size=65536k")),
        new OciMount("/dev/mqueue", "mqueue", "mqueue", List.of("nosuid", "noexec", "nodev")),
        new OciMount("/sys", "sysfs", "sysfs", List.of("nosuid", "noexec", "nodev", systems)),
        new OciMount("/etc/resolv.conf", "bind", resolvConf.toString(), fileOptions),
        new OciMount("/etc/hosts", "bind", hosts.toString(), fileOptions),
        new OciMount(
            "/sys/fs/cgroup", "cgroup", "cgroup", List.of("nosuid", "noexec", "nodev", systems)));
  }

  /**
   * The standard mounts, those of devices, then the step's own and the socket for its spans; a
   * later one at the same place takes it over.
   */
  static List<OciMount> allMounts(
      Path resolvConf,
      Path hosts,
      boolean insecure,
      List<OciMount> devices,
      List<OciMount> own,
      Optional<OciMount> traces) {
    Map<String, OciMount> byDestination = new LinkedHashMap<>();
    systemMounts(resolvConf, hosts, insecure).forEach(m -> byDestination.put(m.destination(), m));
    devices.forEach(m -> byDestination.put(m.destination(), m));
    own.forEach(m -> byDestination.put(m.destination(), m));
    traces.ifPresent(m -> byDestination.put(m.destination(), m));
    return List.copyOf(byDestination.values());
  }

  byte[] config() {
    var bytes = new ByteArrayOutputStream(1 << 15);
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      json.writeStartObject();
      json.writeStringField("ociVersion", "1.0.2");
      json.writeFieldName("process");
      writeProcess(json, process, user);
      json.writeObjectFieldStart("root");
      json.writeStringField("path", container.rootfs().toString());
      json.writeBooleanField("readonly", container.readonlyRootfs());
      json.writeEndObject();
      json.writeStringField("hostname", container.hostname());
      json.writeArrayFieldStart("mounts");
      for (OciMount mount : mounts) {
        json.writeStartObject();
        json.writeStringField("destination", mount.destination());
        json.writeStringField("type", mount.type());
        json.writeStringField("source", mount.source());
        writeStrings(json, "options", mount.options());
        json.writeEndObject();
      }
      json.writeEndArray();
      DeviceEdits.writeHooks(json, container.devices());
      writeLinux(json);
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // memory does not fail
    }
    return bytes.toByteArray();
  }

  /** The {@code process} object alone, as {@code runc exec --process} takes it. */
  byte[] processConfig(ProcessSpec other, Users.User as) {
    var bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      writeProcess(json, other, as);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private List<Ulimit> limits() {
    var all = new ArrayList<>(container.ulimits());
    host.openFiles()
        .filter(limit -> all.stream().noneMatch(own -> own.name().equalsIgnoreCase(limit.name())))
        .ifPresent(all::add);
    return all;
  }

  private boolean insecure() {
    return container.security() == Security.INSECURE;
  }

  private void writeProcess(JsonGenerator json, ProcessSpec p, Users.User as) throws IOException {
    json.writeStartObject();
    json.writeBooleanField("terminal", p.terminal());
    json.writeObjectFieldStart("user");
    json.writeNumberField("uid", as.uid());
    json.writeNumberField("gid", as.gid());
    json.writeArrayFieldStart("additionalGids");
    for (long gid : as.groups()) {
      json.writeNumber(gid);
    }
    for (long gid : container.devices().groups()) {
      json.writeNumber(gid);
    }
    json.writeEndArray();
    json.writeEndObject();
    writeStrings(json, "args", p.args());
    writeStrings(json, "env", p.with(container.devices().env()).env());
    json.writeStringField("cwd", p.cwd());
    List<String> capabilities = insecure() ? host.allCapabilities() : DEFAULT_CAPABILITIES;
    json.writeObjectFieldStart("capabilities");
    writeStrings(json, "bounding", capabilities);
    writeStrings(json, "permitted", capabilities);
    writeStrings(json, "effective", capabilities);
    if (insecure()) {
      writeStrings(json, "inheritable", capabilities);
      writeStrings(json, "ambient", capabilities);
    }
    json.writeEndObject();
    List<Ulimit> limits = limits();
    if (!limits.isEmpty()) {
      json.writeArrayFieldStart("rlimits");
      for (Ulimit limit : limits) {
        json.writeStartObject();
        json.writeStringField("type", "RLIMIT_" + limit.name().toUpperCase(Locale.ROOT));
        json.writeFieldName("hard");
        json.writeNumber(Long.toUnsignedString(limit.hard()));
        json.writeFieldName("soft");
        json.writeNumber(Long.toUnsignedString(limit.soft()));
        json.writeEndObject();
      }
      json.writeEndArray();
    }
    json.writeBooleanField("noNewPrivileges", false); // setuid programs work in steps
    if (!insecure() && !host.apparmorProfile().isEmpty()) {
      json.writeStringField("apparmorProfile", host.apparmorProfile());
    }
    if (host.oomScoreAdj().isPresent()) {
      json.writeNumberField("oomScoreAdj", host.oomScoreAdj().getAsInt());
    }
    json.writeEndObject();
  }

  private void writeLinux(JsonGenerator json) throws IOException {
    List<DeviceEdits.Node> devices = DeviceEdits.nodes(container.devices());
    json.writeObjectFieldStart("linux");
    json.writeStringField("cgroupsPath", cgroupsPath);
    json.writeArrayFieldStart("namespaces");
    for (String type : List.of("pid", "ipc", "uts", "mount")) {
      writeNamespace(json, type, Optional.empty());
    }
    switch (network) {
      case Network.Host _ -> {}
      case Network.None _ -> writeNamespace(json, "network", Optional.empty());
      case Network.Namespace n -> writeNamespace(json, "network", Optional.of(n.path()));
    }
    if (host.cgroupNamespace()) {
      writeNamespace(json, "cgroup", Optional.empty());
    }
    json.writeEndArray();
    json.writeObjectFieldStart("resources");
    json.writeArrayFieldStart("devices");
    if (insecure()) {
      json.writeRawValue("{\"allow\":true,\"type\":\"c\",\"access\":\"rwm\"}");
      json.writeRawValue("{\"allow\":true,\"type\":\"b\",\"access\":\"rwm\"}");
    } else {
      json.writeRawValue("{\"allow\":false,\"access\":\"rwm\"}");
    }
    DeviceEdits.writeRules(json, devices);
    json.writeEndArray();
    json.writeEndObject();
    DeviceEdits.writeIntelRdt(json, container.devices());
    json.writeArrayFieldStart("devices");
    if (insecure()) {
      for (Devices.Node node : Devices.insecure()) {
        if (devices.stream().noneMatch(d -> d.path().equals(node.path()))) {
          json.writeStartObject();
          json.writeStringField("path", node.path());
          json.writeStringField("type", node.type());
          json.writeNumberField("major", node.major());
          json.writeNumberField("minor", node.minor());
          json.writeEndObject();
        }
      }
    }
    DeviceEdits.writeNodes(json, devices, user);
    json.writeEndArray();
    if (!insecure()) {
      writeStrings(json, "maskedPaths", maskedPaths(Path.of("/sys/devices/system/cpu")));
      writeStrings(json, "readonlyPaths", READONLY_PATHS);
      if (!host.seccomp().isEmpty()) {
        json.writeFieldName("seccomp");
        json.writeRawValue(host.seccomp());
      }
    }
    json.writeEndObject();
  }

  private static void writeNamespace(JsonGenerator json, String type, Optional<Path> path)
      throws IOException {
    json.writeStartObject();
    json.writeStringField("type", type);
    if (path.isPresent()) {
      json.writeStringField("path", path.get().toString());
    }
    json.writeEndObject();
  }

  static void writeStrings(JsonGenerator json, String name, List<String> values)
      throws IOException {
    json.writeArrayFieldStart(name);
    for (String value : values) {
      json.writeString(value);
    }
    json.writeEndArray();
  }

  @Override
  public String toString() {
    return "RuntimeSpec[" + container.id() + "]"; // the environment may hold secrets
  }
}
