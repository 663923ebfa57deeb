package dev.kiln.ops.file;

import dev.kiln.sys.BuiltFiles;
import dev.kiln.sys.Errno;
import dev.kiln.sys.SyscallException;
import java.io.IOException;
import java.util.Optional;

/**
 * Looks names up in a tree's {@code /etc/passwd} and {@code /etc/group}, as {@code passwd(5)} and
 * {@code group(5)} lay them out. A missing file has nobody in it.
 */
final class Users {
  private Users() {}

  static Optional<Stamp.User> user(RootedTree tree, String name) throws IOException {
    return find(tree, "/etc/passwd", name)
        .map(fields -> new Stamp.User(number(fields, 2), number(fields, 3)));
  }

  static Optional<Integer> group(RootedTree tree, String name) throws IOException {
    return find(tree, "/etc/group", name).map(fields -> number(fields, 2));
  }

  private static Optional<String[]> find(RootedTree tree, String file, String name)
      throws IOException {
    try {
      return tree.files("the root that names are looked up in")
          .find(file, BuiltFiles.Limit.ACCOUNTS, line -> fields(line, name));
    } catch (SyscallException e) {
      if (e.errno() == Errno.ENOENT || e.errno() == Errno.ENOTDIR) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private static Optional<String[]> fields(String line, String name) {
    String[] fields = line.strip().split(":", 5); // what comes after the fourth does not count
    return fields[0].equals(name) ? Optional.of(fields) : Optional.empty();
  }

  private static int number(String[] fields, int at) {
    try {
      return at < fields.length ? Integer.parseUnsignedInt(fields[at]) : 0;
    } catch (NumberFormatException e) {
      return 0;
    }
  }
}
