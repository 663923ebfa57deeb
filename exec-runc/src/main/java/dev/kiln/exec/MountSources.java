package dev.kiln.exec;

import dev.kiln.exec.RuntimeSpec.OciMount;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Mount;
import dev.kiln.sys.Mounts;
import dev.kiln.sys.SyscallException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What runc is to bind. A selected part of a directory is opened within it, so that no link can
 * lead outside, and held by a mount of our own: another step that writes to the same directory
 * cannot put a link in its place between our check and runc's mount. One thread; whoever made it
 * closes it after the container's end.
 */
final class MountSources implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(MountSources.class);
  private final Path bundle;
  private final List<Path> held = new ArrayList<>();

  MountSources(Path bundle) {
    this.bundle = bundle;
  }

  /** The mounts in runc's form; adds to {@code points} where they will lie. */
  List<OciMount> prepare(List<ContainerMount> mounts, List<MountStubs.Point> points)
      throws IOException {
    var all = new ArrayList<OciMount>();
    for (ContainerMount mount : mounts) {
      all.add(
          switch (mount) {
            case ContainerMount.Tmpfs tmpfs -> tmpfs(tmpfs, points);
            case ContainerMount.Bind bind -> bind(bind, points);
          });
    }
    return all;
  }

  private static OciMount tmpfs(ContainerMount.Tmpfs tmpfs, List<MountStubs.Point> points) {
    points.add(MountStubs.Point.ofMemory(tmpfs.destination()));
    var options = new ArrayList<>(List.of("nosuid"));
    if (tmpfs.readonly()) {
      options.add("ro");
    }
    if (tmpfs.sizeBytes() > 0) {
      options.add("size=" + tmpfs.sizeBytes());
    }
    return new OciMount(tmpfs.destination(), "tmpfs", "tmpfs", options);
  }

  private OciMount bind(ContainerMount.Bind bind, List<MountStubs.Point> points)
      throws IOException {
    Path source = whole(bind.selector()) ? bind.root() : hold(bind.root(), bind.selector());
    boolean directory = Fd.CWD.statFollowing(BytePath.of(source)).isDirectory();
    points.add(new MountStubs.Point(bind.destination(), directory));
    var options = new ArrayList<>(List.of("rbind"));
    if (bind.readonly()) {
      options.add("ro");
    }
    options.addAll(bind.options());
    return new OciMount(bind.destination(), "bind", source.toString(), options);
  }

  private static boolean whole(String selector) {
    return selector.isEmpty() || selector.equals("/") || selector.equals(".");
  }

  private Path hold(Path directory, String selector) throws IOException {
    Path place = bundle.resolve("mount-" + held.size());
    try (Fd root = Fd.directory(directory);
        Fd selected = open(root, selector)) {
      if (selected.stat().isDirectory()) {
        Files.createDirectory(place);
      } else {
        Files.createFile(place);
      }
      Mounts.mount(new Mount("bind", selected.procPath().toString(), List.of("rbind")), place);
      held.add(place);
      return place;
    }
  }

  private static Fd open(Fd root, String selector) {
    try {
      return root.openPathInRoot(BytePath.of(selector));
    } catch (SyscallException e) {
      throw new BuildException(Kind.UNKNOWN, "open " + selector + ": " + e.reason(), e);
    }
  }

  @Override
  public void close() {
    for (Path place : held) {
      try {
        Mounts.unmount(place, Mounts.MNT_DETACH);
        Files.delete(place);
      } catch (IOException e) {
        LOG.warn("{} stays mounted until the next start: {}", place, e.getMessage());
      }
    }
  }
}
