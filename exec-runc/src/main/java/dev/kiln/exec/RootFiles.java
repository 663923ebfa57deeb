package dev.kiln.exec;

import dev.kiln.sys.BuiltFiles;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Errno;
import dev.kiln.sys.Fd;
import dev.kiln.sys.SyscallException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Paths in a container's root directory while no process runs in it, as that container would see
 * them: links never lead out. One thread; whoever opened it closes it.
 */
final class RootFiles implements AutoCloseable {
  private static final int MAX_LINKS = 255;
  private final Fd root;

  private RootFiles(Fd root) {
    this.root = root;
  }

  static RootFiles open(java.nio.file.Path rootfs) throws SyscallException {
    return new RootFiles(Fd.directory(rootfs));
  }

  /**
   * {@code path} with every link followed, relative to the root and without {@code .} and {@code
   * ..}; empty for the root itself. What does not exist counts as a plain name.
   */
  BytePath resolve(String path) throws SyscallException {
    var done = new ArrayList<BytePath>();
    var todo = new ArrayDeque<>(split(path));
    int links = 0;
    while (!todo.isEmpty()) {
      BytePath name = todo.pop();
      String text = name.latin1();
      if (text.equals(".")) {
        continue;
      }
      if (text.equals("..")) {
        if (!done.isEmpty()) {
          done.removeLast();
        }
        continue;
      }
      Optional<BytePath> target = link(BytePath.join(done).resolve(name));
      if (target.isEmpty()) {
        done.add(name);
      } else if (++links > MAX_LINKS) {
        throw new SyscallException("resolve", path, Errno.ELOOP);
      } else {
        String to = target.get().latin1();
        if (to.startsWith("/")) {
          done.clear();
        }
        split(to, StandardCharsets.ISO_8859_1).reversed().forEach(todo::push);
      }
    }
    return BytePath.join(done);
  }

  private static List<BytePath> split(String path) {
    return split(path, StandardCharsets.UTF_8);
  }

  private static List<BytePath> split(String path, java.nio.charset.Charset charset) {
    return Arrays.stream(path.split("/"))
        .filter(name -> !name.isEmpty())
        .map(name -> BytePath.ofBytes(name.getBytes(charset)))
        .toList();
  }

  private Optional<BytePath> link(BytePath resolved) throws SyscallException {
    try {
      return Optional.of(root.readlink(resolved));
    } catch (SyscallException e) {
      if (e.errno() == Errno.EINVAL || absent(e)) {
        return Optional.empty(); // EINVAL: there, and no link
      }
      throw e;
    }
  }

  static boolean absent(SyscallException e) {
    return e.errno() == Errno.ENOENT || e.errno() == Errno.ENOTDIR;
  }

  /** Whether a resolved path exists. */
  boolean exists(BytePath resolved) throws SyscallException {
    return resolved.isEmpty() || root.exists(resolved);
  }

  /** The directory itself, for calls relative to it; this closes it. */
  Fd directory() {
    return root;
  }

  /**
   * Makes a resolved path and its missing parents; those made belong to {@code uid} and {@code
   * gid}.
   */
  void makeDirectories(BytePath resolved, int uid, int gid) throws SyscallException {
    var missing = new ArrayDeque<BytePath>();
    for (BytePath p = resolved; !exists(p); p = p.parent()) {
      missing.push(p);
    }
    for (BytePath p : missing) {
      root.mkdir(p, 0755);
      root.chmod(p, 0755); // whatever the mask of the process
      if (uid != 0 || gid != 0) {
        root.chown(p, uid, gid);
      }
    }
  }

  /**
   * The text of {@code /etc/passwd} or {@code /etc/group}; empty where there is none.
   *
   * @throws dev.kiln.sys.RefusedFileException for what is no regular file, or is too large
   */
  Optional<String> accounts(String path) throws IOException {
    try {
      byte[] text =
          BuiltFiles.in(root, "the container's root")
              .read(path, BuiltFiles.Limit.ACCOUNTS.fileBytes());
      return Optional.of(new String(text, StandardCharsets.UTF_8));
    } catch (SyscallException e) {
      if (absent(e) || e.errno() == Errno.ELOOP || e.errno() == Errno.EISDIR) {
        return Optional.empty();
      }
      throw e;
    }
  }

  @Override
  public void close() {
    root.close();
  }
}
