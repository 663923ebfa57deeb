package dev.kiln.ops.file;

import com.github.luben.zstd.ZstdInputStream;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.ops.file.RootedTree.Place;
import dev.kiln.store.layer.TarEntry;
import dev.kiln.store.layer.TarReader;
import dev.kiln.sys.BuiltFiles;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Directories;
import dev.kiln.sys.Errno;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.sys.SyscallException;
import dev.kiln.sys.Xattrs;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.MemoryLimitException;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;
import org.apache.commons.compress.compressors.xz.XZCompressorInputStream;

/**
 * Unpacks tar archives into a tree, plain or compressed by gzip, bzip2, xz or zstd, which are told
 * by their first bytes. Paths of the archive are resolved with the destination as their root.
 * Owner, permissions and times are those of the archive. Source of the rules: moby/go-archive
 * v0.1.0.
 */
final class Archives {
  private static final int BUFFER = 1 << 17;

  /** {@code xz -9} needs 65 MiB. */
  private static final int MAX_XZ_KIB = 128 << 10;

  private static final Stamp AS_IS = new Stamp(Optional.empty(), Optional.empty());

  private Archives() {}

  /** Whether the regular file begins as an archive does. */
  static boolean isArchive(Fd directory, BytePath name, Stat seen) {
    try (InputStream in = open(directory, name, seen)) {
      return new TarReader(in).next().isPresent();
    } catch (MemoryLimitException e) {
      throw new BuildException(
          Kind.EXHAUSTED,
          name
              + " is compressed by xz with a dictionary for which "
              + e.getMemoryNeededInKb()
              + " KiB of memory are needed, more than the "
              + MAX_XZ_KIB
              + " that are given: unpack it before, or compress it by xz -9 at most",
          e);
    } catch (IOException | RuntimeException e) {
      return false; // whatever cannot be read as an archive is a file to copy
    }
  }

  /** Unpacks into the directory {@code destination} of {@code tree}, which exists. */
  static void unpack(Fd directory, BytePath name, Stat seen, RootedTree tree, BytePath destination)
      throws IOException, InterruptedException {
    Map<BytePath, Instant> directories = new LinkedHashMap<>();
    try (InputStream in = open(directory, name, seen);
        RootedTree root = tree.below(destination)) {
      var tar = new TarReader(in);
      for (var next = tar.next(); next.isPresent(); next = tar.next()) {
        if (Thread.interrupted()) {
          throw new InterruptedException();
        }
        entry(tar, next.get(), root, directories);
      }
      for (var made : directories.entrySet()) {
        try (Place place = root.place(made.getKey())) {
          Instant time = made.getValue();
          place.directory().utimes(place.name(), time.getEpochSecond(), time.getNano());
        }
      }
    }
  }

  private static InputStream open(Fd directory, BytePath name, Stat seen) throws IOException {
    InputStream file =
        new BufferedInputStream(BuiltFiles.open(directory, name, seen).input(), BUFFER);
    try {
      return new BufferedInputStream(decompressed(file), BUFFER);
    } catch (IOException e) {
      file.close();
      throw e;
    }
  }

  private static InputStream decompressed(InputStream file) throws IOException {
    file.mark(16);
    byte[] start = file.readNBytes(10);
    file.reset();
    if (startsWith(start, 0x1f, 0x8b, 0x08)) {
      return new GZIPInputStream(file, BUFFER);
    }
    if (startsWith(start, 'B', 'Z', 'h')) {
      return new BZip2CompressorInputStream(file, true);
    }
    if (startsWith(start, 0xfd, '7', 'z', 'X', 'Z', 0)) {
      return XZCompressorInputStream.builder()
          .setInputStream(file)
          .setDecompressConcatenated(true)
          .setMemoryLimitKiB(MAX_XZ_KIB)
          .get();
    }
    boolean skippable =
        start.length >= 8
            && (start[0] & 0xf0) == 0x50
            && startsWith(new byte[] {start[1], start[2], start[3]}, 0x2a, 0x4d, 0x18);
    if (startsWith(start, 0x28, 0xb5, 0x2f, 0xfd) || skippable) {
      return new ZstdInputStream(file);
    }
    return file;
  }

  private static boolean startsWith(byte[] bytes, int... magic) {
    if (bytes.length < magic.length) {
      return false;
    }
    for (int i = 0; i < magic.length; i++) {
      if ((bytes[i] & 0xff) != magic[i]) {
        return false;
      }
    }
    return true;
  }

  private static void entry(
      TarReader tar, TarEntry e, RootedTree root, Map<BytePath, Instant> directories)
      throws IOException {
    root.makeDirectories(root.resolve(RootedTree.parent(e.name())), 0755, AS_IS);
    BytePath resolved = root.resolveParent(e.name());
    if (resolved.isEmpty()) {
      return;
    }
    boolean isDirectory = e.type() == TarEntry.DIRECTORY;
    try (Place place = root.place(resolved)) {
      Optional<Stat> existing = place.stat();
      boolean merges = existing.isPresent() && existing.get().isDirectory() && isDirectory;
      if (existing.isPresent() && !merges) {
        Directories.removeTree(place.directory(), place.name());
      }
      if (!merges) {
        create(tar, e, root, place);
      }
      if (e.type() != TarEntry.HARD_LINK || !place.stat().map(Stat::isSymlink).orElse(false)) {
        metadata(e, place); // a link's header speaks of the file that it names, too
      }
    }
    if (isDirectory) {
      directories.put(resolved, Instant.ofEpochSecond(e.mtimeSeconds(), e.mtimeNanos()));
    }
  }

  private static void create(TarReader tar, TarEntry e, RootedTree root, Place place)
      throws IOException {
    Fd directory = place.directory();
    BytePath name = place.name();
    var device = new Stat.Device((int) e.devMajor(), (int) e.devMinor());
    switch (e.type()) {
      case TarEntry.DIRECTORY -> directory.mkdir(name, e.mode());
      case TarEntry.SYMLINK -> directory.symlink(e.linkname(), name);
      case TarEntry.HARD_LINK -> {
        try (Place target = root.place(root.resolveParent(e.linkname()))) {
          target.directory().link(target.name(), directory, name);
        }
      }
      case TarEntry.CHARACTER -> directory.mknod(name, Stat.S_IFCHR | e.mode(), device);
      case TarEntry.BLOCK -> directory.mknod(name, Stat.S_IFBLK | e.mode(), device);
      case TarEntry.FIFO -> directory.mknod(name, Stat.S_IFIFO | e.mode(), Stat.Device.NONE);
      case TarEntry.FILE -> {
        try (Fd out = directory.create(name, 0600)) {
          byte[] buffer = new byte[BUFFER];
          for (int n = tar.read(buffer, 0, BUFFER); n > 0; n = tar.read(buffer, 0, BUFFER)) {
            out.write(buffer, 0, n);
          }
        }
      }
      default ->
          throw new BuildException(
              Kind.UNKNOWN, "unhandled tar header type " + e.type() + " of " + e.name());
    }
  }

  private static void metadata(TarEntry e, Place place) throws SyscallException {
    Fd directory = place.directory();
    BytePath name = place.name();
    directory.chown(name, (int) e.uid(), (int) e.gid());
    for (var xattr : e.xattrs().entrySet()) {
      try {
        Xattrs.set(
            BytePath.of(directory.procPath()).resolve(name), xattr.getKey(), xattr.getValue());
      } catch (SyscallException unsupported) {
        if (unsupported.errno() != Errno.EOPNOTSUPP && unsupported.errno() != Errno.EPERM) {
          throw unsupported;
        }
      }
    }
    if (e.type() != TarEntry.SYMLINK) {
      directory.chmod(name, e.mode());
    }
    directory.utimes(name, e.mtimeSeconds(), e.mtimeNanos());
  }
}
