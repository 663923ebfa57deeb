package dev.kiln.ops.file;

import com.github.luben.zstd.ZstdInputStream;
import dev.kiln.model.BuildException;
import dev.kiln.model.FilePaths;
import dev.kiln.model.Kind;
import dev.kiln.ops.file.RootedTree.Place;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Directories;
import dev.kiln.sys.Errno;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Open;
import dev.kiln.sys.Stat;
import dev.kiln.sys.SyscallException;
import dev.kiln.sys.Xattrs;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;
import org.apache.commons.compress.compressors.xz.XZCompressorInputStream;

/**
 * Unpacks tar archives into a tree, plain or compressed by gzip, bzip2, xz or zstd, which are told
 * by their first bytes. Paths of the archive are resolved with the destination as their root.
 * Owner, permissions and times are those of the archive. Source of the rules: moby/go-archive
 * v0.1.0.
 */
final class Archives {
  private static final String XATTR = "SCHILY.xattr.";
  private static final int BUFFER = 1 << 17;

  private Archives() {}

  /** Whether the regular file begins as an archive does. */
  static boolean isArchive(Fd directory, BytePath name) {
    try (var tar = open(directory, name)) {
      TarArchiveEntry first = tar.getNextEntry();
      return first != null && first.isCheckSumOK();
    } catch (IOException | IllegalArgumentException e) {
      return false; // whatever cannot be read as an archive is a file to copy
    }
  }

  /** Unpacks into the directory {@code destination} of {@code tree}, which exists. */
  static void unpack(Fd directory, BytePath name, RootedTree tree, BytePath destination)
      throws IOException, InterruptedException {
    Map<BytePath, Instant> directories = new LinkedHashMap<>();
    try (var tar = open(directory, name);
        RootedTree root = tree.below(destination)) {
      for (TarArchiveEntry e = tar.getNextEntry(); e != null; e = tar.getNextEntry()) {
        if (Thread.interrupted()) {
          throw new InterruptedException();
        }
        if (e.isGlobalPaxHeader()) {
          continue;
        }
        entry(tar, e, root, directories);
      }
      for (var made : directories.entrySet()) {
        try (Place place = root.place(made.getKey())) {
          Instant time = made.getValue();
          place.directory().utimes(place.name(), time.getEpochSecond(), time.getNano());
        }
      }
    }
  }

  private static TarArchiveInputStream open(Fd directory, BytePath name) throws IOException {
    InputStream file =
        new BufferedInputStream(
            directory.open(name, Open.RDONLY | Open.NOFOLLOW, 0).input(), BUFFER);
    try {
      return new TarArchiveInputStream(
          new BufferedInputStream(decompressed(file), BUFFER), StandardCharsets.UTF_8.name());
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
      return new XZCompressorInputStream(file, true);
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
      TarArchiveInputStream tar,
      TarArchiveEntry e,
      RootedTree root,
      Map<BytePath, Instant> directories)
      throws IOException {
    String path = FilePaths.clean("/" + e.getName());
    root.makeDirectories(
        root.resolve(FilePaths.parent(path)), 0755, new Stamp(Optional.empty(), Optional.empty()));
    BytePath resolved = root.resolveParent(path);
    try (Place place = root.place(resolved)) {
      Optional<Stat> existing = place.stat();
      if (resolved.isEmpty()) {
        return;
      }
      boolean merges = existing.isPresent() && existing.get().isDirectory() && e.isDirectory();
      if (existing.isPresent() && !merges) {
        Directories.removeTree(place.directory(), place.name());
      }
      create(tar, e, root, place, merges);
      if (!e.isLink()) {
        metadata(e, place);
      }
      if (e.isDirectory()) {
        directories.put(resolved, e.getLastModifiedTime().toInstant());
      }
    }
  }

  private static void create(
      TarArchiveInputStream tar, TarArchiveEntry e, RootedTree root, Place place, boolean merges)
      throws IOException {
    Fd directory = place.directory();
    int permissions = e.getMode() & 07777;
    if (e.isDirectory()) {
      if (!merges) {
        directory.mkdir(place.name(), permissions);
      }
    } else if (e.isSymbolicLink()) {
      directory.symlink(BytePath.of(e.getLinkName()), place.name());
    } else if (e.isLink()) {
      try (Place target = root.place(root.resolveParent("/" + e.getLinkName()))) {
        target.directory().link(target.name(), directory, place.name());
      }
    } else if (e.isCharacterDevice() || e.isBlockDevice()) {
      int type = e.isBlockDevice() ? Stat.S_IFBLK : Stat.S_IFCHR;
      directory.mknod(
          place.name(), type | permissions, new Stat.Device(e.getDevMajor(), e.getDevMinor()));
    } else if (e.isFIFO()) {
      directory.mknod(place.name(), Stat.S_IFIFO | permissions, Stat.Device.NONE);
    } else if (e.isFile() && tar.canReadEntryData(e)) {
      try (Fd out = directory.open(place.name(), Open.WRONLY | Open.CREAT | Open.EXCL, 0600)) {
        byte[] buffer = new byte[BUFFER];
        for (int n = tar.read(buffer); n > 0; n = tar.read(buffer)) {
          out.write(buffer, 0, n);
        }
      }
    } else {
      throw new BuildException(
          Kind.UNKNOWN, "unhandled tar header type " + e.getLinkFlag() + " of " + e.getName());
    }
  }

  private static void metadata(TarArchiveEntry e, Place place) throws SyscallException {
    Fd directory = place.directory();
    BytePath name = place.name();
    directory.chown(name, (int) e.getLongUserId(), (int) e.getLongGroupId());
    for (var header : e.getExtraPaxHeaders().entrySet()) {
      if (header.getKey().startsWith(XATTR)) {
        try {
          Xattrs.set(
              BytePath.of(directory.procPath()).resolve(name),
              header.getKey().substring(XATTR.length()),
              header.getValue().getBytes(StandardCharsets.UTF_8));
        } catch (SyscallException unsupported) {
          if (unsupported.errno() != Errno.EOPNOTSUPP && unsupported.errno() != Errno.EPERM) {
            throw unsupported;
          }
        }
      }
    }
    if (!e.isSymbolicLink()) {
      directory.chmod(name, e.getMode() & 07777);
    }
    Instant time = e.getLastModifiedTime().toInstant();
    directory.utimes(name, time.getEpochSecond(), time.getNano());
  }
}
