package dev.kiln.store.snapshot;

import dev.kiln.sys.BytePath;
import dev.kiln.sys.Directories;
import dev.kiln.sys.Errno;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Mount;
import dev.kiln.sys.Mounts;
import dev.kiln.sys.SyscallException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Shows chains by overlayfs. A writable state is mounted {@code volatile}: neither a {@code fsync}
 * in a build nor the unmount waits for the disk, because the store syncs the file system itself
 * (ADR 0004). A state without anything below it needs no mount at all, neither to be written nor,
 * where it has no whiteout, to be read: its files are then on the file system of the layers, and
 * copies of them stay in the kernel.
 */
public final class OverlaySnapshotter extends LayerDirectories {
  /** Kernels allow 500 layers a mount (fs/overlayfs/params.h), the upper one included. */
  private static final int MAX_LAYERS = 490;

  private static final int FLATTENED = 400;

  private static final String COMMON = "index=off,redirect_dir=off,metacopy=off";

  /** Beside a layer that can be seen as it lies there. */
  private static final String PLAIN = "plain";

  private final Path empty;
  private final Path flat;
  private final Map<List<Long>, Path> flattened = new HashMap<>(); // guarded by itself

  public OverlaySnapshotter(Path root) throws IOException {
    super(root);
    this.empty = root.resolve("empty");
    Files.createDirectories(empty);
    this.flat = root.resolve("flat");
    Directories.removeTree(Fd.CWD, BytePath.of(flat));
    Directories.makePrivate(flat);
  }

  /** Whether overlayfs works on the file system of {@code root}; tried, not guessed. */
  public static boolean isSupported(Path root) throws IOException {
    Directories.makePrivate(root);
    Path probe = Files.createTempDirectory(root, "probe");
    try {
      var options = new ArrayList<>(List.of(COMMON.split(",")));
      for (String name : List.of("lower", "upper", "work", "at")) {
        Files.createDirectory(probe.resolve(name));
      }
      options.add("lowerdir=" + probe.resolve("lower"));
      options.add("upperdir=" + probe.resolve("upper"));
      options.add("workdir=" + probe.resolve("work"));
      Path at = probe.resolve("at");
      Mounts.mount(new Mount("overlay", "overlay", options), at);
      Mounts.unmountAll(at);
      return true;
    } catch (SyscallException e) {
      return false;
    } finally {
      Directories.removeTree(Fd.CWD, BytePath.of(probe));
    }
  }

  @Override
  public String name() {
    return "overlayfs";
  }

  @Override
  public Mounted write(List<Long> below, long number) throws IOException {
    if (below.isEmpty()) {
      Files.deleteIfExists(directory(number).resolve(PLAIN));
      return new Writable(layer(number), false);
    }
    BytePath work = BytePath.of(directory(number).resolve("work"));
    if (Fd.CWD.exists(work)) { // of an earlier mount, which a volatile one refuses
      Directories.removeTree(Fd.CWD, work);
    } else {
      inheritRoot(below, number);
    }
    Fd.CWD.mkdir(work, 0700);
    var options = options(below);
    options.add("upperdir=" + layer(number));
    options.add("workdir=" + work);
    options.add("volatile");
    Path place = place();
    mount(options, place);
    return new Writable(place, true);
  }

  /** The root of a mount has the attributes of the topmost layer's: the new one's. */
  private void inheritRoot(List<Long> below, long number) throws IOException {
    var top = new MergedTree(List.of(layer(below.getLast())));
    inheritRoot(top.root(), top, layer(number));
  }

  private List<String> options(List<Long> chain) throws IOException {
    var lower = new StringBuilder("lowerdir=");
    String separator = "";
    for (Path layer : lowers(chain)) {
      lower.append(separator).append(layer);
      separator = ":";
    }
    var options = new ArrayList<>(List.of(COMMON.split(",")));
    options.add(lower.toString());
    return options;
  }

  /**
   * The directories of a chain, top first. Of a layer that a merge has twice, the upper place
   * counts: it covers all of the lower one. What is more than the kernel takes is put together at
   * the bottom, always in pieces of one size, so that chains that grow share them.
   */
  private List<Path> lowers(List<Long> chain) throws IOException {
    var topFirst = new ArrayList<>(new LinkedHashSet<>(chain.reversed()));
    if (topFirst.size() <= MAX_LAYERS) {
      return topFirst.stream().map(this::layer).toList();
    }
    int bottom = (topFirst.size() - 1) / FLATTENED * FLATTENED;
    List<Long> below = List.copyOf(topFirst.subList(topFirst.size() - bottom, topFirst.size()));
    var lowers = new ArrayList<Path>();
    topFirst.subList(0, topFirst.size() - bottom).forEach(number -> lowers.add(layer(number)));
    lowers.add(flattened(below));
    return lowers;
  }

  /** One directory with the files of many layers, as hard links; made once in a process's life. */
  private Path flattened(List<Long> topFirst) throws IOException {
    synchronized (flattened) {
      Path known = flattened.get(topFirst);
      if (known == null) {
        known = Files.createDirectory(flat.resolve(Integer.toString(flattened.size())));
        var tree = new MergedTree(topFirst.stream().map(this::layer).toList());
        LayerBuilder.copyTree(tree, known, LayerBuilder.Files.LINK);
        flattened.put(topFirst, known);
      }
      return known;
    }
  }

  private static void mount(List<String> options, Path place) throws IOException {
    try {
      Mounts.mount(new Mount("overlay", "overlay", options), place);
    } catch (SyscallException e) {
      Fd.CWD.rmdir(BytePath.of(place));
      throw e;
    }
  }

  private static void unmount(Path place) throws IOException {
    try {
      Mounts.unmount(place, Mounts.UMOUNT_NOFOLLOW);
    } catch (SyscallException e) {
      if (e.errno() != Errno.EBUSY) {
        throw e;
      }
      Mounts.unmount(place, Mounts.UMOUNT_NOFOLLOW | Mounts.MNT_DETACH); // when its user has gone
    }
  }

  @Override
  public void finish(List<Long> below, long number) throws IOException {
    if (!below.isEmpty()) {
      Directories.removeTree(Fd.CWD, BytePath.of(directory(number).resolve("work")));
      new OpaqueDirectories(new MergedTree(topFirst(below)), layer(number)).expand();
      return;
    }
    try (Fd layer = Fd.directory(layer(number))) {
      if (!LayerFormat.hasWhiteout(layer)) {
        Files.write(directory(number).resolve(PLAIN), new byte[0]);
      }
    }
  }

  @Override
  Optional<Path> asItLies(List<Long> chain) {
    return chain.size() == 1 && Files.exists(directory(chain.getFirst()).resolve(PLAIN))
        ? Optional.of(layer(chain.getFirst()))
        : Optional.empty();
  }

  @Override
  void show(List<Long> chain, Path place) throws IOException {
    var options = options(chain);
    // overlayfs wants two lower directories where there is no upper one
    if (chain.stream().distinct().count() == 1) {
      options.add(options.removeLast() + ":" + empty);
    }
    options.add("ro");
    Mounts.mount(new Mount("overlay", "overlay", options), place);
  }

  @Override
  void hide(Path place) throws IOException {
    unmount(place);
  }

  private static final class Writable implements Mounted {
    private final Path root;
    private final boolean mounted;
    private boolean closed;

    Writable(Path root, boolean mounted) {
      this.root = root;
      this.mounted = mounted;
    }

    @Override
    public Path root() {
      return root;
    }

    @Override
    public List<Mount> mounts() {
      return List.of(Mount.bind(root.toString(), false));
    }

    @Override
    public synchronized void close() throws IOException {
      if (!closed) {
        closed = true;
        if (mounted) {
          unmount(root);
          Fd.CWD.rmdir(BytePath.of(root));
        }
      }
    }
  }
}
