package dev.kiln.ops.file;

import dev.kiln.sys.BytePath;
import dev.kiln.sys.Errno;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Open;
import dev.kiln.sys.SyscallException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
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
    try (Fd directory = tree.directory(tree.resolve(file).parent())) {
      BytePath last = tree.resolve(file).name();
      try (var lines =
          new BufferedReader(
              new InputStreamReader(
                  directory.open(last, Open.RDONLY | Open.NOFOLLOW, 0).input(),
                  StandardCharsets.UTF_8))) {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          String[] fields = line.strip().split(":", -1);
          if (fields[0].equals(name)) {
            return Optional.of(fields);
          }
        }
      }
      return Optional.empty();
    } catch (SyscallException e) {
      if (e.errno() == Errno.ENOENT || e.errno() == Errno.ENOTDIR) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private static int number(String[] fields, int at) {
    try {
      return at < fields.length ? Integer.parseUnsignedInt(fields[at]) : 0;
    } catch (NumberFormatException e) {
      return 0;
    }
  }
}
