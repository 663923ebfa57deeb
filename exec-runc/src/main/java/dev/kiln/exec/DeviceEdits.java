package dev.kiln.exec;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.kiln.exec.RuntimeSpec.OciMount;
import dev.kiln.exec.cdi.CdiEdits;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.sys.SyscallException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;

/** The parts of a container's OCI configuration that CDI devices add. Stateless. */
final class DeviceEdits {
  private DeviceEdits() {}

  /** A device node with nothing left to find out. */
  record Node(
      String path,
      String type,
      int major,
      int minor,
      String access,
      OptionalLong mode,
      OptionalLong uid,
      OptionalLong gid) {}

  /** The device nodes; a later one takes the place of an earlier one at its path. */
  static List<Node> nodes(CdiEdits edits) {
    Map<String, Node> byPath = new LinkedHashMap<>();
    for (CdiEdits.Node node : edits.nodes()) {
      byPath.remove(node.path());
      byPath.put(node.path(), complete(node));
    }
    return List.copyOf(byPath.values());
  }

  private static Node complete(CdiEdits.Node node) {
    String type = node.type();
    CdiEdits.Number number = node.number().orElse(new CdiEdits.Number(0, 0));
    if (type.isEmpty() || node.number().isEmpty() && !type.equals("p")) {
      Stat stat = ofHost(node);
      String found = type(stat, node);
      if (!type.isEmpty() && !type.equals(found)) {
        throw failed(
            "CDI device (\"%s\", \"%s\"), host type mismatch (%s, %s)"
                .formatted(node.path(), node.hostPath(), type, found));
      }
      type = found;
      if (node.number().isEmpty() && !type.equals("p")) {
        number = new CdiEdits.Number(stat.rdev().major(), stat.rdev().minor());
      }
    }
    return new Node(
        node.path(),
        type,
        number.major(),
        number.minor(),
        node.access(),
        node.mode().isPresent() ? OptionalLong.of(node.mode().getAsInt()) : OptionalLong.empty(),
        node.uid().map(OptionalLong::of).orElse(OptionalLong.empty()),
        node.gid().map(OptionalLong::of).orElse(OptionalLong.empty()));
  }

  private static Stat ofHost(CdiEdits.Node node) {
    try {
      return Fd.CWD.stat(BytePath.of(node.hostPath()));
    } catch (SyscallException e) {
      throw failed("failed to stat CDI host device \"" + node.hostPath() + "\": " + e.reason());
    }
  }

  private static String type(Stat stat, CdiEdits.Node node) {
    return switch (stat.type()) {
      case Stat.S_IFBLK -> "b";
      case Stat.S_IFCHR -> "c";
      case Stat.S_IFIFO -> "p";
      default -> throw failed("CDI host device \"" + node.hostPath() + "\" is no device node");
    };
  }

  private static BuildException failed(String message) {
    return new BuildException(Kind.UNKNOWN, "CDI device injection failed: " + message);
  }

  /** Nodes without an owner belong to the step's user. */
  static void writeNodes(JsonGenerator json, List<Node> nodes, Users.User user) throws IOException {
    for (Node node : nodes) {
      json.writeStartObject();
      json.writeStringField("path", node.path());
      json.writeStringField("type", node.type());
      json.writeNumberField("major", node.major());
      json.writeNumberField("minor", node.minor());
      if (node.mode().isPresent()) {
        json.writeNumberField("fileMode", node.mode().getAsLong());
      }
      json.writeNumberField("uid", node.uid().orElse(user.uid()));
      json.writeNumberField("gid", node.gid().orElse(user.gid()));
      json.writeEndObject();
    }
  }

  /** What the device cgroup lets through. */
  static void writeRules(JsonGenerator json, List<Node> nodes) throws IOException {
    for (Node node : nodes) {
      if (node.type().equals("b") || node.type().equals("c")) {
        json.writeStartObject();
        json.writeBooleanField("allow", true);
        json.writeStringField("type", node.type());
        json.writeNumberField("major", node.major());
        json.writeNumberField("minor", node.minor());
        json.writeStringField("access", node.access());
        json.writeEndObject();
      }
    }
  }

  static void writeHooks(JsonGenerator json, CdiEdits edits) throws IOException {
    if (edits.hooks().isEmpty()) {
      return;
    }
    json.writeObjectFieldStart("hooks");
    Set<String> moments = new LinkedHashSet<>();
    edits.hooks().forEach(hook -> moments.add(hook.moment()));
    for (String moment : moments) {
      json.writeArrayFieldStart(moment);
      for (CdiEdits.Hook hook : edits.hooks()) {
        if (hook.moment().equals(moment)) {
          json.writeStartObject();
          json.writeStringField("path", hook.path());
          RuntimeSpec.writeStrings(json, "args", hook.args());
          RuntimeSpec.writeStrings(json, "env", hook.env());
          if (hook.timeoutSeconds().isPresent()) {
            json.writeNumberField("timeout", hook.timeoutSeconds().getAsInt());
          }
          json.writeEndObject();
        }
      }
      json.writeEndArray();
    }
    json.writeEndObject();
  }

  static void writeIntelRdt(JsonGenerator json, CdiEdits edits) throws IOException {
    if (edits.intelRdt().isEmpty()) {
      return;
    }
    CdiEdits.IntelRdt rdt = edits.intelRdt().get();
    json.writeObjectFieldStart("intelRdt");
    json.writeStringField("closID", rdt.closId());
    json.writeStringField("l3CacheSchema", rdt.l3CacheSchema());
    json.writeStringField("memBwSchema", rdt.memoryBandwidthSchema());
    json.writeBooleanField("enableCMT", rdt.monitorCache());
    json.writeBooleanField("enableMBM", rdt.monitorBandwidth());
    json.writeEndObject();
  }

  /** The mounts in runc's form, outer ones first; adds to {@code points} where they will lie. */
  static List<OciMount> mounts(CdiEdits edits, List<MountStubs.Point> points)
      throws SyscallException {
    var sorted = new ArrayList<>(edits.mounts());
    sorted.sort(
        java.util.Comparator.comparingLong(
            m -> m.destination().chars().filter(c -> c == '/').count()));
    var all = new ArrayList<OciMount>();
    for (CdiEdits.HostMount mount : sorted) {
      boolean bind = mount.type().isEmpty() || mount.type().equals("bind");
      boolean directory = !bind || Fd.CWD.statFollowing(BytePath.of(mount.source())).isDirectory();
      points.add(new MountStubs.Point(mount.destination(), directory));
      all.add(
          new OciMount(
              mount.destination(), bind ? "bind" : mount.type(), mount.source(), mount.options()));
    }
    return all;
  }
}
