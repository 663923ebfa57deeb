package dev.kiln.dockerfile.image;

import dev.kiln.model.Platform;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * An image's configuration as a stage changes it, instruction by instruction: an open structure of
 * one stage's thread. Fields are those of the OCI image-spec ({@code config.md}) and Docker's
 * extensions; absent texts and lists are empty.
 */
public final class ImageConfig {
  static final String DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

  // The platform is kept as the image has it: normalizing is for the end of the conversion.
  String created = "";
  String author = "";
  String architecture = "";
  String os = "";
  String osVersion = "";
  List<String> osFeatures = List.of();
  String variant = "";
  String rootfsType = "";
  Optional<List<String>> diffIds = Optional.empty();
  List<History> history = new ArrayList<>();

  String user = "";
  SortedSet<String> exposedPorts = new TreeSet<>();
  List<String> environment = new ArrayList<>();
  List<String> entrypoint = List.of();
  List<String> command = List.of();
  SortedSet<String> volumes = new TreeSet<>();
  String workingDirectory = "";
  SortedMap<String, String> labels = new TreeMap<>();
  String stopSignal = "";
  boolean argsEscaped;
  Optional<Healthcheck> healthcheck = Optional.empty();
  List<String> onBuild = List.of();
  List<String> shell = List.of();

  ImageConfig() {}

  /** The configuration of an image that starts from nothing. */
  public static ImageConfig empty(Platform platform) {
    var image = new ImageConfig();
    image.setPlatform(platform);
    image.rootfsType = "layers";
    image.workingDirectory = "/";
    if (!platform.os().equals("windows")) {
      image.environment.add("PATH=" + DEFAULT_PATH);
    }
    return image;
  }

  public ImageConfig copy() {
    var copy = new ImageConfig();
    copy.created = created;
    copy.author = author;
    copy.architecture = architecture;
    copy.os = os;
    copy.osVersion = osVersion;
    copy.osFeatures = osFeatures;
    copy.variant = variant;
    copy.rootfsType = rootfsType;
    copy.diffIds = diffIds;
    copy.history = new ArrayList<>(history);
    copy.user = user;
    copy.exposedPorts = new TreeSet<>(exposedPorts);
    copy.environment = new ArrayList<>(environment);
    copy.entrypoint = entrypoint;
    copy.command = command;
    copy.volumes = new TreeSet<>(volumes);
    copy.workingDirectory = workingDirectory;
    copy.labels = new TreeMap<>(labels);
    copy.stopSignal = stopSignal;
    copy.argsEscaped = argsEscaped;
    copy.healthcheck = healthcheck;
    copy.onBuild = onBuild;
    copy.shell = shell;
    return copy;
  }

  public void clearCreated() {
    created = "";
  }

  public void setAuthor(String to) {
    author = to;
  }

  public String os() {
    return os;
  }

  public String architecture() {
    return architecture;
  }

  public String variant() {
    return variant;
  }

  /** The platform that the configuration names; empty if it lacks system or architecture. */
  public Optional<Platform> platform() {
    return os.isEmpty() || architecture.isEmpty()
        ? Optional.empty()
        : Optional.of(new Platform(os, architecture, variant, osVersion, osFeatures));
  }

  public void setPlatform(Platform platform) {
    os = platform.os();
    architecture = platform.architecture();
    variant = platform.variant();
    osVersion = platform.osVersion();
    osFeatures = platform.osFeatures();
  }

  /**
   * Takes the platform that the build was asked for; parts that it leaves open stay as the base
   * image has them if system and architecture are the same.
   */
  public void refinePlatform(Platform target) {
    boolean same = target.os().equals(os) && target.architecture().equals(architecture);
    os = target.os();
    architecture = target.architecture();
    if (!target.variant().isEmpty() || !same) {
      variant = target.variant();
    }
    if (!target.osVersion().isEmpty() || !same) {
      osVersion = target.osVersion();
    }
    if (!target.osFeatures().isEmpty()) {
      osFeatures = target.osFeatures();
    }
  }

  /** Writes the platform in its normal form. */
  public void normalizePlatform() {
    setPlatform(new Platform(os, architecture, variant, osVersion, osFeatures));
  }

  /** Whether the image has no layer: its base is then the empty file system. */
  public boolean hasNoLayers() {
    return diffIds.orElse(List.of()).isEmpty() && history.stream().allMatch(History::emptyLayer);
  }

  public void addHistory(History line) {
    history.add(line);
  }

  public List<String> environment() {
    return environment;
  }

  /** Sets a variable in the place where it stands, or as the last one. */
  public void setVariable(String name, String value) {
    String key = name + "=";
    for (int i = 0; i < environment.size(); i++) {
      String old = environment.get(i);
      if (old.startsWith(key) || old.equals(name)) {
        environment.set(i, key + value);
        return;
      }
    }
    environment.add(key + value);
  }

  /** Adds the usual {@code PATH} where the image has none; Windows has its own. */
  public void ensurePath(String systemName) {
    boolean has = environment.stream().anyMatch(e -> e.equals("PATH") || e.startsWith("PATH="));
    if (!has && !systemName.equals("windows")) {
      environment.add("PATH=" + DEFAULT_PATH);
    }
  }

  public String user() {
    return user;
  }

  public void setUser(String to) {
    user = to;
  }

  public String workingDirectory() {
    return workingDirectory;
  }

  public void setWorkingDirectory(String to) {
    workingDirectory = to;
  }

  public void setCommand(List<String> to) {
    command = List.copyOf(to);
  }

  public void markArgsEscaped() {
    argsEscaped = true;
  }

  public void setEntrypoint(List<String> to) {
    entrypoint = List.copyOf(to);
  }

  public void setLabel(String name, String value) {
    labels.put(name, value);
  }

  public void exposePort(String port) {
    exposedPorts.add(port);
  }

  public void addVolume(String path) {
    volumes.add(path);
  }

  public void setStopSignal(String to) {
    stopSignal = to;
  }

  public void setHealthcheck(Healthcheck to) {
    healthcheck = Optional.of(to);
  }

  public List<String> shell() {
    return shell;
  }

  public void setShell(List<String> to) {
    shell = List.copyOf(to);
  }

  public List<String> onBuild() {
    return onBuild;
  }

  public void addOnBuild(String expression) {
    var all = new ArrayList<>(onBuild);
    all.add(expression);
    onBuild = List.copyOf(all);
  }

  public void clearOnBuild() {
    onBuild = List.of();
  }
}
