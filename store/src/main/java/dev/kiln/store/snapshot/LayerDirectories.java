package dev.kiln.store.snapshot;

import dev.kiln.sys.BytePath;
import dev.kiln.sys.Directories;
import dev.kiln.sys.Dirent;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Mount;
import dev.kiln.sys.Mounts;
import dev.kiln.sys.Stat;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The numbered directories and the places where trees are shown, which both snapshotters share:
 * {@code <root>/<number>/fs} and {@code <root>/mounts/<n>}. Views of equal chains are one, counted.
 */
abstract class LayerDirectories implements Snapshotter {
  private final Path root;
  private final Path places;
  private final AtomicLong lastLayer = new AtomicLong();
  private final AtomicLong lastPlace = new AtomicLong();
  private final Map<List<Long>, SharedView> views = new HashMap<>();

  /** What a dead process left mounted is unmounted here, and nothing else is removed. */
  LayerDirectories(Path root) throws IOException {
    this.root = root;
    this.places = root.resolve("mounts");
    Directories.makePrivate(places);
    try (Fd dir = Fd.directory(places)) {
      for (Dirent left : dir.list()) {
        Path place = places.resolve(left.name().toString());
        Mounts.unmountAll(place);
        Directories.removeTree(dir, left.name());
      }
    }
    long last = 0;
    for (long number : numbers()) {
      last = Math.max(last, number);
    }
    lastLayer.set(last);
  }

  /** Where a chain can be seen as it lies, if it can. */
  abstract Optional<Path> asItLies(List<Long> chain);

  /** Shows a chain of at least one layer at an empty directory. */
  abstract void show(List<Long> chain, Path place) throws IOException;

  /** Undoes a {@link #show} at this place, which the caller removes. */
  abstract void hide(Path place) throws IOException;

  final Path directory(long number) {
    return root.resolve(Long.toString(number));
  }

  @Override
  public final Path layer(long number) {
    return directory(number).resolve("fs");
  }

  /** The chain as overlayfs and {@link MergedTree} want it. */
  final List<Path> topFirst(List<Long> chain) {
    return chain.reversed().stream().map(this::layer).toList();
  }

  @Override
  public final long create() throws IOException {
    long number = lastLayer.incrementAndGet();
    Fd.CWD.mkdir(BytePath.of(directory(number)), 0700);
    Fd.CWD.mkdir(BytePath.of(layer(number)), 0755);
    return number;
  }

  /** Gives the root of a layer the attributes of the tree's root: nobody has changed them. */
  static void inheritRoot(Optional<MergedTree.Node> root, MergedTree tree, Path layer)
      throws IOException {
    if (root.isPresent()) {
      Stat stat = root.get().stat();
      BytePath target = BytePath.of(layer);
      LayerBuilder.attributes(tree.backing(root.get()), stat, target);
      Fd.CWD.utimes(target, stat.mtimeSeconds(), stat.mtimeNanos());
    }
  }

  /** Makes a new empty place. */
  final Path place() throws IOException {
    Path place = places.resolve(Long.toString(lastPlace.incrementAndGet()));
    Fd.CWD.mkdir(BytePath.of(place), 0700);
    return place;
  }

  @Override
  public final void writeDifference(long number, MergedTree lower, MergedTree upper)
      throws IOException {
    try (var builder = new LayerBuilder(upper, layer(number), LayerBuilder.Files.LINK)) {
      TreeDiff.between(lower, upper, builder);
    }
  }

  @Override
  public final Mounted view(List<Long> chain) throws IOException {
    List<Long> key = List.copyOf(chain);
    SharedView shared;
    synchronized (views) {
      shared = views.computeIfAbsent(key, SharedView::new);
      shared.users++;
    }
    try {
      return new MountedView(this, shared, shared.open());
    } catch (IOException e) {
      release(shared);
      throw e;
    }
  }

  private void release(SharedView shared) throws IOException {
    synchronized (views) {
      if (--shared.users > 0) {
        return;
      }
      views.remove(shared.chain, shared);
    }
    shared.shut();
  }

  /** One shown chain; its own lock orders the mount before its first use. */
  private final class SharedView {
    private final List<Long> chain;
    private int users; // guarded by views
    private @org.jspecify.annotations.Nullable Path place;
    private @org.jspecify.annotations.Nullable Path root;

    SharedView(List<Long> chain) {
      this.chain = chain;
    }

    synchronized Path open() throws IOException {
      if (root == null) {
        root = asItLies(chain).orElse(null);
      }
      if (root == null) {
        Path fresh = place();
        place = fresh;
        if (!chain.isEmpty()) {
          show(chain, fresh);
        }
        root = fresh;
      }
      return root;
    }

    synchronized void shut() throws IOException {
      if (place != null) {
        if (root != null && !chain.isEmpty()) {
          hide(place);
        }
        Fd.CWD.rmdir(BytePath.of(place));
        place = null;
      }
      root = null;
    }
  }

  private static final class MountedView implements Mounted {
    private final LayerDirectories in;
    private final SharedView shared;
    private final Path at;
    private boolean closed;

    MountedView(LayerDirectories in, SharedView shared, Path at) {
      this.in = in;
      this.shared = shared;
      this.at = at;
    }

    @Override
    public Path root() {
      return at;
    }

    @Override
    public List<Mount> mounts() {
      return List.of(Mount.bind(at.toString(), true));
    }

    @Override
    public synchronized void close() throws IOException {
      if (!closed) {
        closed = true;
        in.release(shared);
      }
    }
  }

  @Override
  public final void remove(long number) throws IOException {
    Directories.removeTree(Fd.CWD, BytePath.of(directory(number)));
  }

  @Override
  public final long size(long number) throws IOException {
    return Directories.occupiedBytes(Fd.CWD, BytePath.of(layer(number)));
  }

  @Override
  public final List<Long> numbers() throws IOException {
    var numbers = new ArrayList<Long>();
    try (Fd dir = Fd.directory(root)) {
      for (Dirent entry : dir.list()) {
        String name = entry.name().toString();
        if (name.chars().allMatch(c -> c >= '0' && c <= '9')) {
          numbers.add(Long.parseLong(name));
        }
      }
    }
    return numbers;
  }
}
