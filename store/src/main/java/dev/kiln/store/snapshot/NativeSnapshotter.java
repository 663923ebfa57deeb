package dev.kiln.store.snapshot;

import dev.kiln.sys.BytePath;
import dev.kiln.sys.Directories;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Mount;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Shows chains by copying them, for file systems under which overlayfs does not work. Layers are
 * kept in the same format, so everything above cannot tell: a state that was written on top of
 * others is compared with them when it is finished, and only the difference stays.
 */
public final class NativeSnapshotter extends LayerDirectories {
  public NativeSnapshotter(Path root) throws IOException {
    super(root);
  }

  @Override
  public String name() {
    return "native";
  }

  private Path whole(long number) {
    return directory(number).resolve("whole");
  }

  @Override
  public Mounted write(List<Long> below, long number) throws IOException {
    if (below.isEmpty()) {
      return new Copied(layer(number));
    }
    Path whole = whole(number);
    if (!Fd.CWD.exists(BytePath.of(whole))) {
      Fd.CWD.mkdir(BytePath.of(whole), 0755);
      var chain = new java.util.ArrayList<>(below);
      chain.add(number); // a state that is kept and written again has a difference already
      copy(chain, whole);
    }
    return new Copied(whole);
  }

  private void copy(List<Long> chain, Path target) throws IOException {
    LayerBuilder.copyTree(new MergedTree(topFirst(chain)), target, LayerBuilder.Files.COPY);
  }

  @Override
  public void finish(List<Long> below, long number) throws IOException {
    BytePath whole = BytePath.of(whole(number));
    if (below.isEmpty() || !Fd.CWD.exists(whole)) {
      return;
    }
    LayerBuilder.clear(layer(number));
    var lower = new MergedTree(topFirst(below));
    var upper = new MergedTree(List.of(whole(number)));
    writeDifference(number, lower, upper);
    var root = Fd.CWD.stat(whole);
    LayerBuilder.attributes(whole, root, BytePath.of(layer(number)));
    Fd.CWD.utimes(BytePath.of(layer(number)), root.mtimeSeconds(), root.mtimeNanos());
    Directories.removeTree(Fd.CWD, whole);
  }

  @Override
  Optional<Path> asItLies(List<Long> chain) {
    return Optional.empty();
  }

  @Override
  void show(List<Long> chain, Path place) throws IOException {
    copy(chain, place);
  }

  @Override
  void hide(Path place) throws IOException {
    LayerBuilder.clear(place);
  }

  private record Copied(Path root) implements Mounted {
    @Override
    public List<Mount> mounts() {
      return List.of(Mount.bind(root.toString(), false));
    }

    @Override
    public void close() {}
  }
}
