package dev.kiln.exporters.files;

import dev.kiln.session.tree.GoMode;
import dev.kiln.session.tree.TreeEntry;
import dev.kiln.session.tree.TreeSource;
import dev.kiln.store.layer.TarEntry;
import dev.kiln.store.layer.TarWriter;
import dev.kiln.sys.BytePath;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/**
 * A tree as a tar stream: names relative to its root, numeric owners, times in whole seconds, hard
 * links kept. Stateless. Source of the form: fsutil (20250417) {@code tarwriter.go}.
 */
final class TreeTar {
  private TreeTar() {}

  static void write(TreeSource tree, OutputStream out) throws IOException, InterruptedException {
    try (var tar = new TarWriter(out)) {
      tree.walk(entry -> {
        if ((entry.mode() & GoMode.SOCKET) != 0) {
          return; // tar has no form for it
        }
        TarEntry header = header(entry);
        tar.entry(header);
        if (header.sizeBytes() > 0) {
          try (InputStream in = tree.open(entry.path())) {
            tar.body(in);
          }
        }
      });
    }
  }

  private static TarEntry header(TreeEntry e) {
    byte type = type(e);
    boolean device = type == TarEntry.CHARACTER || type == TarEntry.BLOCK;
    return new TarEntry(
        e.isDirectory() ? BytePath.ofLatin1(e.path().latin1() + "/") : e.path(),
        type,
        GoMode.permissions(e.mode()),
        Integer.toUnsignedLong(e.uid()),
        Integer.toUnsignedLong(e.gid()),
        type == TarEntry.FILE ? e.sizeBytes() : 0,
        e.mtimeSeconds(),
        0,
        e.linkname(),
        device ? e.devMajor() : 0,
        device ? e.devMinor() : 0,
        e.xattrs());
  }

  private static byte type(TreeEntry e) {
    if (e.isDirectory()) {
      return TarEntry.DIRECTORY;
    }
    if (e.isSymlink()) {
      return TarEntry.SYMLINK;
    }
    if (e.isHardLink()) {
      return TarEntry.HARD_LINK;
    }
    if ((e.mode() & GoMode.CHAR_DEVICE) != 0) {
      return TarEntry.CHARACTER;
    }
    if ((e.mode() & GoMode.DEVICE) != 0) {
      return TarEntry.BLOCK;
    }
    return (e.mode() & GoMode.NAMED_PIPE) != 0 ? TarEntry.FIFO : TarEntry.FILE;
  }
}
