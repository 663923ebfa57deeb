package dev.kiln.gateway;

import dev.kiln.actors.ResultId;
import dev.kiln.grpc.fsutil.Stat;
import dev.kiln.model.BuildException;
import dev.kiln.model.FilePaths;
import dev.kiln.model.Kind;
import dev.kiln.model.StepProgress;
import dev.kiln.session.tree.GoMode;
import dev.kiln.store.RefId;
import dev.kiln.store.Refs;
import dev.kiln.store.View;
import dev.kiln.sys.BuiltFiles;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Dirent;
import dev.kiln.sys.Errno;
import dev.kiln.sys.Fd;
import dev.kiln.sys.SyscallException;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Reads files of results through read-only mounts of the store. Any thread; blocks. */
public final class StoreRefFiles implements RefFiles {
  /** More than this of one file is refused, as a message could not carry it. */
  private static final long LIMIT = 15L << 20;

  private final Refs refs;

  public StoreRefFiles(Refs refs) {
    this.refs = refs;
  }

  private interface Reading<T> {
    T read(Fd root) throws IOException;
  }

  private <T> T in(Optional<ResultId> result, String path, Reading<T> reading)
      throws InterruptedException {
    if (result.isEmpty()) {
      throw new BuildException(Kind.NOT_FOUND, path + ": no such file or directory");
    }
    try (View view = refs.view(new RefId(result.get().value()), StepProgress.NONE);
        Fd root = Fd.directory(view.root())) {
      return reading.read(root);
    } catch (SyscallException e) {
      boolean missing = e.errno() == Errno.ENOENT || e.errno() == Errno.ENOTDIR;
      throw new BuildException(
          missing ? Kind.NOT_FOUND : BuildException.of(e).kind(),
          "open " + path + ": " + e.reason(),
          e);
    } catch (InvalidPathException e) {
      throw BuildException.of(e).wrap("invalid path");
    } catch (IOException e) {
      throw BuildException.of(e);
    }
  }

  @Override
  public byte[] readFile(Optional<ResultId> result, String path, long offset, long length)
      throws InterruptedException {
    return in(
        result,
        path,
        root -> {
          try (Fd file = BuiltFiles.in(root, "the result").open(path)) {
            long size = file.stat().sizeBytes();
            long rest = Math.max(0, size - offset);
            long want = length < 0 ? rest : Math.min(length, rest);
            if (want > LIMIT) {
              throw new BuildException(
                  Kind.EXHAUSTED,
                  path
                      + " has "
                      + want
                      + " bytes to read, more than the "
                      + LIMIT
                      + " of one answer: ask for a range");
            }
            byte[] data = new byte[(int) want];
            int got = 0;
            while (got < data.length) {
              int n = file.read(data, got, data.length - got, offset + got);
              if (n < 0) {
                break;
              }
              got += n;
            }
            return got == data.length ? data : Arrays.copyOf(data, got);
          }
        });
  }

  @Override
  public List<Stat> readDir(Optional<ResultId> result, String path, String includePattern)
      throws InterruptedException {
    if (result.isEmpty() && FilePaths.clean("/" + path).equals("/")) {
      return List.of(); // the empty file system has a root
    }
    return in(
        result,
        path,
        root -> {
          var entries = new ArrayList<Stat>();
          long bytes = 0;
          try (Fd dir = root.openDirectoryInRoot(BytePath.of(path))) {
            for (Dirent entry : dir.list()) {
              String name = entry.name().toString();
              if (includePattern.isEmpty() || FilePaths.matches(includePattern, name)) {
                Stat stat = stat(dir, entry.name(), name);
                bytes += stat.getSerializedSize();
                if (bytes > LIMIT) {
                  throw new BuildException(
                      Kind.EXHAUSTED,
                      path + " has more entries than one answer can hold: ask by a pattern");
                }
                entries.add(stat);
              }
            }
          }
          return entries;
        });
  }

  /** Where the kernel tells a file's own name, after all links on the way to it. */
  private static BytePath link(Fd file) {
    return BytePath.of(file.procPath().toString());
  }

  /**
   * What {@code path} leads to, with all links followed; the stat is named after that (BuildKit
   * v0.22 {@code cache/util/fsutil.go}).
   */
  @Override
  public Stat statFile(Optional<ResultId> result, String path) throws InterruptedException {
    return in(
        result,
        path,
        root -> {
          try (Fd file = root.openPathInRoot(BytePath.of(path))) {
            return stat(file, BytePath.EMPTY, Fd.CWD.readlink(link(file)).name().toString());
          }
        });
  }

  private static Stat stat(Fd dir, BytePath name, String shown) throws SyscallException {
    dev.kiln.sys.Stat from = name.isEmpty() ? dir.stat() : dir.stat(name);
    var to =
        Stat.newBuilder()
            .setPath(shown)
            .setMode(GoMode.ofUnix(from.mode()))
            .setUid(from.uid())
            .setGid(from.gid())
            .setSize(from.isRegular() ? from.sizeBytes() : 0)
            .setModTime(from.mtimeSeconds() * 1_000_000_000L + from.mtimeNanos());
    if (from.isSymlink()) {
      to.setLinkname(dir.readlink(name).toString());
    }
    if (from.isDevice()) {
      to.setDevmajor(from.rdev().major()).setDevminor(from.rdev().minor());
    }
    return to.build();
  }
}
