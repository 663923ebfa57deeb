package dev.kiln.exec.cdi;

import dev.kiln.model.BuildException;
import dev.kiln.model.GoBool;
import dev.kiln.model.Kind;
import dev.kiln.sys.BuiltFiles;
import dev.kiln.sys.Fd;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The devices that this machine's CDI specifications offer. Folders are looked at with each
 * question, and read again when a file has changed; a file that is no specification is logged and
 * left out. Any thread; methods block on the disk. Rules: BuildKit v0.22 {@code
 * solver/llbsolver/cdidevices}, CDI's Go library v1.0.1.
 */
public final class CdiDevices {
  private static final Logger LOG = LoggerFactory.getLogger(CdiDevices.class);
  private static final String CLASS = "org.mobyproject.buildkit.device.class";
  private static final String AUTO_ALLOW = "org.mobyproject.buildkit.device.autoallow";

  /** Of one specification; those of many devices have a few hundred kilobytes. */
  private static final int MAX_SPEC_BYTES = 4 << 20;

  /** No devices. */
  public static final CdiDevices NONE = new CdiDevices(List.of(), List.of());

  private final List<Path> folders;
  private final Set<String> autoAllowed;
  private Map<Path, Version> read = Map.of();
  private SortedMap<String, Offer> offers = new TreeMap<>();

  /**
   * @param folders of specifications; a later one wins over an earlier one
   * @param autoAllowed names or kinds that any build may use
   */
  public CdiDevices(List<Path> folders, List<String> autoAllowed) {
    this.folders = List.copyOf(folders);
    this.autoAllowed = Set.copyOf(autoAllowed);
  }

  /**
   * A device by its full name, {@code vendor/class=name}.
   *
   * @param autoAllowed whether any build may use it
   */
  public record Device(String name, SortedMap<String, String> annotations, boolean autoAllowed) {}

  /** What a step asks for: a full name, a kind, a kind with {@code =*}, or a class. */
  public record Wanted(String name, boolean optional) {}

  private record Version(Object modified, long sizeBytes) {}

  private record Offer(CdiSpec spec, CdiSpec.Device device, int priority) {
    SortedMap<String, String> annotations() {
      var all = new TreeMap<>(spec.annotations());
      all.putAll(device.annotations());
      return all;
    }
  }

  /** All devices, by name. */
  public List<Device> list() {
    var all = new ArrayList<Device>();
    offers().forEach((name, offer) -> all.add(device(name, offer)));
    return all;
  }

  private Device device(String name, Offer offer) {
    SortedMap<String, String> annotations = offer.annotations();
    boolean free =
        autoAllowed.contains(name)
            || autoAllowed.contains(offer.spec().kind())
            || GoBool.isTrue(annotations.getOrDefault(AUTO_ALLOW, ""));
    return new Device(name, annotations, free);
  }

  /**
   * The full names of what is wanted, each once.
   *
   * @throws BuildException where something that is required is not there
   */
  public List<String> find(List<Wanted> wanted) {
    if (wanted.isEmpty()) {
      return List.of();
    }
    SortedMap<String, Offer> all = offers();
    Set<String> names = new LinkedHashSet<>();
    for (Wanted each : wanted) {
      List<String> found = find(each.name(), all);
      if (found.isEmpty()) {
        if (!each.optional()) {
          throw new BuildException(
              Kind.UNKNOWN, "required device \"" + each.name() + "\" is not registered");
        }
        LOG.warn("optional device \"{}\" is not registered", each.name());
      }
      names.addAll(found);
    }
    return List.copyOf(names);
  }

  private static List<String> find(String wanted, SortedMap<String, Offer> all) {
    int equals = wanted.indexOf('=');
    String kind = equals < 0 ? wanted : wanted.substring(0, equals);
    String name = equals < 0 ? "" : wanted.substring(equals + 1);
    List<String> ofKind = all.keySet().stream().filter(d -> d.startsWith(kind + "=")).toList();
    List<String> found =
        switch (name) {
          case "" -> ofKind.stream().limit(1).toList();
          case "*" -> ofKind;
          default -> ofKind.stream().filter(wanted::equals).toList();
        };
    if (!found.isEmpty()) {
      return found;
    }
    return all.entrySet().stream()
        .filter(e -> wanted.equals(e.getValue().annotations().get(CLASS)))
        .map(Map.Entry::getKey)
        .toList();
  }

  /**
   * What a container needs to have the devices: for each specification once, then for each device.
   */
  public CdiEdits edits(List<Wanted> wanted) {
    if (wanted.isEmpty()) {
      return CdiEdits.NONE;
    }
    SortedMap<String, Offer> all = offers();
    Set<CdiSpec> told = new HashSet<>();
    CdiEdits edits = CdiEdits.NONE;
    for (String name : find(wanted)) {
      Offer offer = all.get(name);
      if (offer == null) {
        throw new BuildException(Kind.UNKNOWN, "unresolvable CDI devices " + name);
      }
      if (told.add(offer.spec())) {
        edits = edits.and(offer.spec().edits());
      }
      edits = edits.and(offer.device().edits());
    }
    return edits;
  }

  private synchronized SortedMap<String, Offer> offers() {
    Map<Path, Version> now = new TreeMap<>();
    Map<Path, Integer> priorities = new HashMap<>();
    for (int i = 0; i < folders.size(); i++) {
      for (Path file : files(folders.get(i))) {
        try {
          var attributes = Files.readAttributes(file, BasicFileAttributes.class);
          now.put(file, new Version(attributes.lastModifiedTime(), attributes.size()));
          priorities.put(file, i);
        } catch (NoSuchFileException e) {
          LOG.debug("{} is gone again", file);
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    }
    if (!now.equals(read)) {
      offers = read(now.keySet(), priorities);
      read = now;
    }
    return offers;
  }

  private static List<Path> files(Path folder) {
    var files = new ArrayList<Path>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, "*.{json,yaml}")) {
      entries.forEach(files::add);
    } catch (NoSuchFileException | NotDirectoryException e) {
      return List.of(); // it may come later
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return files;
  }

  private static byte[] contents(Path file) throws IOException {
    try (Fd host = Fd.directory(file.toAbsolutePath().getRoot())) {
      return BuiltFiles.in(host, "this machine")
          .read(file.toAbsolutePath().toString(), MAX_SPEC_BYTES);
    }
  }

  private static SortedMap<String, Offer> read(Set<Path> files, Map<Path, Integer> priorities) {
    var all = new TreeMap<String, Offer>();
    Set<String> conflicts = new HashSet<>();
    for (Path file : files) {
      CdiSpec spec;
      try {
        spec = CdiSpec.parse(contents(file));
      } catch (BuildException | IOException e) {
        LOG.warn("failed to load CDI spec {}: {}", file, e.getMessage());
        continue;
      }
      int priority = priorities.getOrDefault(file, 0);
      spec.devices()
          .forEach((name, device) -> {
            String full = spec.kind() + "=" + name;
            Offer other = all.get(full);
            if (other == null || other.priority() < priority) {
              all.put(full, new Offer(spec, device, priority));
              conflicts.remove(full);
            } else if (other.priority() == priority) {
              LOG.warn("conflicting CDI device {} in {}", full, file);
              conflicts.add(full);
            }
          });
    }
    conflicts.forEach(all::remove);
    return all;
  }
}
