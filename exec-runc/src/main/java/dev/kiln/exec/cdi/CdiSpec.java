package dev.kiln.exec.cdi;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.google.re2j.Pattern;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One specification: the devices of a kind. Immutable. Form and checks: CDI specification v1.0 and
 * its Go library v1.0.1, {@code pkg/cdi}.
 *
 * @param kind {@code vendor/class}
 * @param edits for a container with any of the devices
 * @param devices by their names without the kind
 */
record CdiSpec(
    String kind, Map<String, String> annotations, CdiEdits edits, Map<String, Device> devices) {
  private static final Pattern KIND =
      Pattern.compile("[A-Za-z]([\\w.-]*[A-Za-z0-9])?/[A-Za-z]([\\w.-]*[A-Za-z0-9])?");
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9]([\\w.:-]*[A-Za-z0-9])?");
  private static final Pattern VERSION = Pattern.compile("v?[01]\\.[0-9]+\\.[0-9]+");
  private static final Set<String> NODE_TYPES = Set.of("", "b", "c", "u", "p");
  private static final Set<String> MOMENTS =
      Set.of(
          "prestart",
          "createRuntime",
          "createContainer",
          "startContainer",
          "poststart",
          "poststop");

  /** YAML includes JSON. */
  private static final YAMLMapper YAML =
      YAMLMapper.builder().enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();

  /** One device. */
  record Device(Map<String, String> annotations, CdiEdits edits) {}

  /**
   * @throws BuildException what is wrong with the text
   */
  static CdiSpec parse(byte[] text) {
    RawSpec raw;
    try {
      raw = YAML.readValue(text, RawSpec.class);
    } catch (JsonProcessingException e) {
      throw new BuildException(Kind.INVALID, e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw invalid("no text: " + e.getMessage());
    }
    if (raw == null) {
      throw invalid("no specification");
    }
    String kind = or(raw.kind);
    check(VERSION.matcher(or(raw.cdiVersion)).matches(), "invalid version " + raw.cdiVersion);
    check(KIND.matcher(kind).matches(), "invalid kind \"" + kind + "\"");
    var devices = new LinkedHashMap<String, Device>();
    for (RawDevice device : or(raw.devices)) {
      String name = or(device.name);
      check(NAME.matcher(name).matches(), "invalid device name \"" + name + "\"");
      CdiEdits edits = edits(device.containerEdits);
      check(!edits.isEmpty(), "device \"" + name + "\" has no edits");
      check(
          devices.put(name, new Device(or(device.annotations), edits)) == null,
          "device \"" + name + "\" twice");
    }
    check(!devices.isEmpty(), "no devices");
    return new CdiSpec(kind, or(raw.annotations), edits(raw.containerEdits), devices);
  }

  private static CdiEdits edits(@Nullable RawEdits raw) {
    if (raw == null) {
      return CdiEdits.NONE;
    }
    checkEnvironment(or(raw.env));
    return new CdiEdits(
        or(raw.env),
        or(raw.deviceNodes).stream().map(CdiSpec::node).toList(),
        or(raw.mounts).stream().map(CdiSpec::mount).toList(),
        or(raw.hooks).stream().map(CdiSpec::hook).toList(),
        Optional.ofNullable(raw.intelRdt).map(CdiSpec::intelRdt),
        or(raw.additionalGids).stream().filter(gid -> gid != 0).toList());
  }

  private static CdiEdits.Node node(RawNode raw) {
    String path = or(raw.path);
    String access = or(raw.permissions);
    check(!path.isEmpty(), "a device node without a path");
    check(NODE_TYPES.contains(or(raw.type)), path + ": invalid type \"" + raw.type + "\"");
    check(Pattern.matches("[rwm]*", access), path + ": invalid permissions \"" + access + "\"");
    boolean numbered = raw.major != null && raw.major != 0;
    return new CdiEdits.Node(
        path,
        or(raw.hostPath).isEmpty() ? path : or(raw.hostPath),
        or(raw.type),
        numbered
            ? Optional.of(new CdiEdits.Number(or(raw.major), or(raw.minor)))
            : Optional.empty(),
        raw.fileMode == null ? OptionalInt.empty() : OptionalInt.of(raw.fileMode),
        access.isEmpty() ? "rwm" : access,
        Optional.ofNullable(raw.uid),
        Optional.ofNullable(raw.gid));
  }

  private static CdiEdits.HostMount mount(RawMount raw) {
    check(!or(raw.hostPath).isEmpty(), "a mount without a host path");
    check(!or(raw.containerPath).isEmpty(), "a mount without a container path");
    return new CdiEdits.HostMount(
        or(raw.hostPath), or(raw.containerPath), or(raw.type), or(raw.options));
  }

  private static CdiEdits.Hook hook(RawHook raw) {
    check(MOMENTS.contains(or(raw.hookName)), "invalid hook name \"" + raw.hookName + "\"");
    check(!or(raw.path).isEmpty(), "a hook without a path");
    checkEnvironment(or(raw.env));
    return new CdiEdits.Hook(
        or(raw.hookName),
        or(raw.path),
        or(raw.args),
        or(raw.env),
        raw.timeout == null ? OptionalInt.empty() : OptionalInt.of(raw.timeout));
  }

  private static CdiEdits.IntelRdt intelRdt(RawRdt raw) {
    String id = or(raw.closID);
    check(
        !id.equals(".") && !id.equals("..") && id.length() < 4096 && Pattern.matches("[^/\n]*", id),
        "invalid closID");
    return new CdiEdits.IntelRdt(
        id, or(raw.l3CacheSchema), or(raw.memBwSchema), raw.enableCMT, raw.enableMBM);
  }

  private static void checkEnvironment(List<String> env) {
    env.forEach(e -> check(e.indexOf('=') > 0, "invalid environment variable \"" + e + "\""));
  }

  private static void check(boolean holds, String message) {
    if (!holds) {
      throw invalid(message);
    }
  }

  private static BuildException invalid(String message) {
    return new BuildException(Kind.INVALID, message);
  }

  private static String or(@Nullable String text) {
    return text == null ? "" : text;
  }

  private static int or(@Nullable Integer number) {
    return number == null ? 0 : number;
  }

  private static <T> List<T> or(@Nullable List<T> list) {
    return list == null ? List.of() : list;
  }

  private static Map<String, String> or(@Nullable Map<String, String> map) {
    return map == null ? Map.of() : map;
  }

  private record RawSpec(
      @Nullable String cdiVersion,
      @Nullable String kind,
      @Nullable Map<String, String> annotations,
      @Nullable List<RawDevice> devices,
      @Nullable RawEdits containerEdits) {}

  private record RawDevice(
      @Nullable String name,
      @Nullable Map<String, String> annotations,
      @Nullable RawEdits containerEdits) {}

  private record RawEdits(
      @Nullable List<String> env,
      @Nullable List<RawNode> deviceNodes,
      @Nullable List<RawHook> hooks,
      @Nullable List<RawMount> mounts,
      @Nullable RawRdt intelRdt,
      @Nullable List<Long> additionalGids) {}

  private record RawNode(
      @Nullable String path,
      @Nullable String hostPath,
      @Nullable String type,
      @Nullable Integer major,
      @Nullable Integer minor,
      @Nullable Integer fileMode,
      @Nullable String permissions,
      @Nullable Long uid,
      @Nullable Long gid) {}

  private record RawHook(
      @Nullable String hookName,
      @Nullable String path,
      @Nullable List<String> args,
      @Nullable List<String> env,
      @Nullable Integer timeout) {}

  private record RawMount(
      @Nullable String hostPath,
      @Nullable String containerPath,
      @Nullable List<String> options,
      @Nullable String type) {}

  private record RawRdt(
      @Nullable String closID,
      @Nullable String l3CacheSchema,
      @Nullable String memBwSchema,
      boolean enableCMT,
      boolean enableMBM) {}
}
