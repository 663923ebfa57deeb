package dev.kiln.llb;

import dev.kiln.llb.ExecOp.CdiDevice;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The devices that a build may use (features ). Immutable but for what the machine
 * offers. Source of the rules: BuildKit v0.22 {@code solver/llbsolver/vertex.go}.
 *
 * @param all whether any device may be used
 * @param granted names that may be used
 * @param aliases names that stand for others, which may be used so
 */
public record DeviceRights(
    Registry registry, boolean all, List<String> granted, Map<String, String> aliases) {
  public DeviceRights {
    granted = List.copyOf(granted);
    aliases = Map.copyOf(aliases);
  }

  /** What the machine offers. Methods may block on the disk. */
  public interface Registry {
    /** A machine without devices. */
    Registry NONE =
        new Registry() {
          @Override
          public List<String> find(List<CdiDevice> wanted) {
            for (CdiDevice each : wanted) {
              if (!each.optional()) {
                throw new BuildException(
                    Kind.UNKNOWN, "required device \"" + each.name() + "\" is not registered");
              }
            }
            return List.of();
          }

          @Override
          public boolean isFree(String name) {
            return false;
          }
        };

    /**
     * The full names of what is wanted, each once.
     *
     * @throws BuildException where something required is not there
     */
    List<String> find(List<CdiDevice> wanted);

    /** Whether any build may use the device of that full name. */
    boolean isFree(String name);
  }

  /** What is free for all. */
  public static DeviceRights free(Registry registry) {
    return new DeviceRights(registry, false, List.of(), Map.of());
  }

  /** What either of the two may use, on the same machine. */
  DeviceRights or(DeviceRights other) {
    var names = new LinkedHashSet<>(granted);
    names.addAll(other.granted);
    var stands = new HashMap<>(other.aliases);
    stands.putAll(aliases);
    return new DeviceRights(registry, all || other.all, List.copyOf(names), stands);
  }

  /**
   * The devices that a step may use of those it wants, aliases replaced.
   *
   * @throws BuildException {@code DENIED} for a device that the build may not use
   */
  List<CdiDevice> admit(List<CdiDevice> wanted) {
    if (wanted.isEmpty() || all) {
      return wanted;
    }
    var admitted = new ArrayList<CdiDevice>();
    var plain = new ArrayList<CdiDevice>();
    for (CdiDevice each : wanted) {
      String name = aliases.getOrDefault(each.name(), "");
      if (name.isEmpty()) {
        plain.add(each);
      } else {
        admitted.add(new CdiDevice(name, each.optional()));
      }
    }
    List<String> found = registry.find(plain);
    if (found.isEmpty()) {
      return List.copyOf(admitted);
    }
    Set<String> allowed =
        new HashSet<>(
            registry.find(granted.stream().map(name -> new CdiDevice(name, false)).toList()));
    List<String> forbidden =
        found.stream().filter(name -> !allowed.contains(name) && !registry.isFree(name)).toList();
    if (!forbidden.isEmpty()) {
      throw new BuildException(
          Kind.DENIED,
          (forbidden.size() == 1 ? "device " : "devices ")
              + String.join(", ", forbidden)
              + (forbidden.size() == 1 ? " is" : " are")
              + " requested by the build but not allowed");
    }
    found.forEach(name -> admitted.add(new CdiDevice(name, false)));
    return List.copyOf(admitted);
  }
}
