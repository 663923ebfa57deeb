package dev.kiln.ops.file;

import dev.kiln.ops.file.RootedTree.Place;
import dev.kiln.sys.Open;
import dev.kiln.sys.SyscallException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Reads single files of mounted trees, with links resolved inside the tree. Any thread. */
public final class TreeFiles {
  private TreeFiles() {}

  /**
   * The content of a file.
   *
   * @throws dev.kiln.model.BuildException where there is none, naming the path inside the tree
   */
  public static byte[] read(Path root, String path) throws IOException {
    try (RootedTree tree = RootedTree.open(root);
        Place place = tree.place(tree.resolve(path));
        var file = place.directory().open(place.name(), Open.RDONLY | Open.NOFOLLOW, 0).input()) {
      return file.readAllBytes();
    } catch (SyscallException e) {
      throw FileFailure.of(e, List.of(root.toString()));
    }
  }
}
