package dev.kiln.ops.file;

import dev.kiln.sys.RefusedFileException;
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
   * @param owner whose tree it is, as messages are to say it
   * @throws dev.kiln.model.BuildException where there is none, naming the path inside the tree;
   *     where it is no regular file or has more than {@code limitBytes}
   */
  public static byte[] read(Path root, String owner, String path, int limitBytes)
      throws IOException {
    try (RootedTree tree = RootedTree.open(root)) {
      return tree.files(owner).read(path, limitBytes);
    } catch (SyscallException e) {
      throw FileFailure.of(e, List.of(root.toString()));
    } catch (RefusedFileException e) {
      throw FileFailure.of(e, List.of(root.toString()));
    }
  }
}
