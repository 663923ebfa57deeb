package dev.kiln.tests.integration;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

/** The files that the compared Dockerfiles copy, the same on every machine. Stateless. */
final class SharedContext {
  /** Before any epoch of the tests, so that it stays when timestamps are rewritten. */
  static final Instant WRITTEN = Instant.parse("2020-02-02T02:02:02Z");

  private SharedContext() {}

  /** Writes the build context into the empty folder {@code root}. */
  static void write(Path root) throws IOException {
    file(root, "a.txt", "a\n", 0644);
    file(root, "b.txt", "b\n", 0644);
    file(root, "with space.txt", "blank\n", 0644);
    file(root, "ünï.txt", "unicode\n", 0644);
    file(root, "[x].txt", "brackets\n", 0644);
    file(root, "exec.sh", "#!/bin/sh\necho run\n", 0755);
    file(root, "setuid", "set\n", 06755);
    file(root, "dir/one.txt", "one\n", 0644);
    file(root, "dir/two.md", "two\n", 0600);
    file(root, "dir/sub/three.txt", "three\n", 0644);
    file(root, "dir/sub/deep/four.txt", "four\n", 0640);
    Files.createDirectories(root.resolve("empty"));
    Files.createSymbolicLink(root.resolve("link"), Path.of("a.txt"));
    Files.createSymbolicLink(root.resolve("dirlink"), Path.of("dir"));
    Files.createDirectories(root.resolve("links"));
    Files.createSymbolicLink(root.resolve("links/up"), Path.of("../a.txt"));
    Files.createSymbolicLink(root.resolve("links/nowhere"), Path.of("no/such"));
    archives(root);
    settle(root);
  }

  /** Writes a second, small context. */
  static void writeExtra(Path root) throws IOException {
    file(root, "extra.txt", "extra\n", 0644);
    file(root, "nested/kept.txt", "kept\n", 0644);
    file(root, "nested/dropped.log", "dropped\n", 0644);
    file(root, "nested/.dockerignore", "*.log\n.dockerignore\n", 0644);
    settle(root);
  }

  private static void file(Path root, String name, String content, int mode) throws IOException {
    write(root.resolve(name), content.getBytes(StandardCharsets.UTF_8), mode);
  }

  private static void write(Path file, byte[] content, int mode) throws IOException {
    Files.createDirectories(file.getParent());
    Files.write(file, content);
    Files.setAttribute(file, "unix:mode", mode);
  }

  private static void archives(Path root) throws IOException {
    byte[] tar =
        TarBytes.of(
            WRITTEN,
            List.of(
                TarBytes.directory("packed/", 0751, 0, 0),
                TarBytes.file("packed/file", 0640, 11, 12, "packed\n"),
                TarBytes.link("packed/link", "file"),
                TarBytes.hardLink("packed/hard", "packed/file"),
                TarBytes.file("top", 0755, 0, 0, "top\n")));
    write(root.resolve("archive.tar"), tar, 0644);
    write(root.resolve("archive.tar.gz"), packed(tar, GZIPOutputStream::new), 0644);
    write(root.resolve("archive.tar.bz2"), packed(tar, BZip2CompressorOutputStream::new), 0644);
    write(
        root.resolve("archive.tar.xz"),
        packed(tar, out -> new XZOutputStream(out, new LZMA2Options())),
        0644);
  }

  @FunctionalInterface
  private interface Packer {
    OutputStream on(OutputStream out) throws IOException;
  }

  private static byte[] packed(byte[] content, Packer packer) throws IOException {
    var out = new ByteArrayOutputStream();
    try (OutputStream packing = packer.on(out)) {
      packing.write(content);
    }
    return out.toByteArray();
  }

  /** Gives all times and the modes of folders, whatever the umask. */
  static void settle(Path root) throws IOException {
    List<Path> all;
    try (Stream<Path> walk = Files.walk(root)) {
      all = walk.sorted((a, b) -> b.compareTo(a)).toList(); // what is inside first
    }
    FileTime time = FileTime.from(WRITTEN);
    for (Path path : all) {
      if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
        Files.setAttribute(path, "unix:mode", 0755);
      }
      Files.getFileAttributeView(path, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
          .setTimes(time, time, null);
    }
  }
}
