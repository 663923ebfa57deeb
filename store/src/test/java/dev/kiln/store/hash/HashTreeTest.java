package dev.kiln.store.hash;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.Digest;
import dev.kiln.store.ContentQuery;
import dev.kiln.store.snapshot.MergedTree;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Directories;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.sys.Xattrs;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Holds our checksums to those that the reference gave for the same tree. Runs as root. */
class HashTreeTest {
  @TempDir static Path shared;
  @TempDir Path temp;

  private record Case(ContentQuery query, String digest, String error) {}

  private static List<Case> cases() throws Exception {
    try (var in = HashTreeTest.class.getResourceAsStream("/contenthash-v0.22.0.txt")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.startsWith("#"))
          .map(line -> line.split("\\|", -1))
          .map(f ->
              new Case(
                  new ContentQuery(
                      f[0],
                      Boolean.parseBoolean(f[1]),
                      Boolean.parseBoolean(f[2]),
                      words(f[3]),
                      words(f[4])),
                  f[5],
                  f[6]))
          .toList();
    }
  }

  private static List<String> words(String text) {
    return text.isEmpty() ? List.of() : List.of(text.split(" "));
  }

  private static BytePath p(String name) {
    return BytePath.of(name);
  }

  private static void dir(Fd root, String name, int mode) throws Exception {
    root.mkdir(p(name), 0700);
    root.chmod(p(name), mode);
  }

  private static void file(Fd root, String name, String text, int mode) throws Exception {
    try (Fd file = root.create(p(name), 0600)) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      file.write(bytes, 0, bytes.length);
      file.chmod(mode);
    }
  }

  private static void build(Path at) throws Exception {
    try (Fd root = Fd.directory(at)) {
      root.chmod(0755);
      for (String name :
          List.of("etc", "etc/sub", "etc/sub/deep", "usr", "usr/bin", "usr/lib", "dev")) {
        dir(root, name, 0755);
      }
      dir(root, "tmp", 01777);
      file(root, "etc/a", "hello", 0644);
      root.chown(p("etc/a"), 1, 2);
      file(root, "etc/empty", "", 0644);
      file(root, "etc/suid", "s", 04755);
      file(root, "etc/caps", "c", 0644);
      BytePath caps = BytePath.of(at.resolve("etc/caps"));
      Xattrs.set(caps, "user.foo", "bar".getBytes(StandardCharsets.UTF_8));
      Xattrs.set(caps, "trusted.k", "v".getBytes(StandardCharsets.UTF_8));
      Xattrs.set(
          caps,
          "security.capability",
          HexFormat.of().parseHex("0100000200040000000000000000000000000000"));
      file(root, "etc/sub/deep/f1", "1", 0644);
      file(root, "etc/sub/deep/f2", "2", 0644);
      file(root, "etc/sub/x", "x", 0644);
      file(root, "etc/sub-b", "b", 0644);
      file(root, "usr/bin/sh", "#!", 0755);
      file(root, "usr/lib/x", "libx", 0644);
      file(root, "usr/lib/q", "libq", 0644);
      root.symlink(p("usr/bin"), p("bin"));
      root.symlink(p("usr/lib"), p("lib"));
      root.symlink(p("/usr/lib"), p("abs"));
      root.symlink(p("../../etc"), p("up"));
      root.mknod(p("dev/null"), Stat.S_IFCHR | 0666, new Stat.Device(1, 3));
      root.chmod(p("dev/null"), 0666);
      root.mknod(p("dev/pipe"), Stat.S_IFIFO | 0600, Stat.Device.NONE);
      file(root, "\u00fc", "u", 0644);
      root.link(p("etc/a"), root, p("etc/hard"));
    }
  }

  @TestFactory
  Stream<DynamicTest> checksumsAreTheReferences() throws Exception {
    build(shared);
    var disk = new MergedTree(List.of(shared));
    HashTree together = HashTree.unknown();
    return cases().stream()
        .map(c ->
            DynamicTest.dynamicTest(
                c.query().toString(),
                () -> {
                  for (HashTree tree : List.of(HashTree.unknown(), together)) {
                    if (c.digest().isEmpty()) {
                      assertThatThrownBy(() -> tree.checksum(c.query(), disk))
                          .hasMessage(c.error());
                    } else {
                      assertThat(tree.checksum(c.query(), disk).value()).isEqualTo(c.digest());
                    }
                  }
                }));
  }

  @Test
  void whatIsToldEqualsWhatIsRead() throws Exception {
    build(temp);
    var disk = new MergedTree(List.of(temp));
    var read = HashTree.unknown();
    HashTree told = HashTree.told(true);
    tell(told, "", temp);
    var nowhere = new MergedTree(List.of());
    for (String path : List.of("/etc", "/usr", "/bin", "/etc/hard", "/up/sub")) {
      assertThat(told.checksum(ContentQuery.of(path), nowhere))
          .as(path)
          .isEqualTo(read.checksum(ContentQuery.of(path), disk));
    }
    Digest before = told.checksum(ContentQuery.of("/etc"), nowhere);
    told.put("etc/new", header(0100644, 1), Digest.of("anything"));
    assertThat(told.checksum(ContentQuery.of("/etc"), nowhere)).isNotEqualTo(before);
    told.delete("/etc/new");
    assertThat(told.checksum(ContentQuery.of("/etc"), nowhere)).isEqualTo(before);
    assertThat(again(told).checksum(ContentQuery.of("/"), nowhere))
        .isEqualTo(told.checksum(ContentQuery.of("/"), nowhere));
  }

  private static HashTree again(HashTree tree) throws Exception {
    var bytes = new ByteArrayOutputStream();
    tree.write(new DataOutputStream(bytes));
    return HashTree.read(new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));
  }

  private static EntryHeader header(int mode, long size) {
    return new EntryHeader(mode, 0, 0, size, "", 0, 0, new TreeMap<>());
  }

  /**
   * Tells the tree of a directory as the receiver of a session does; hard links by their target.
   */
  private static void tell(HashTree to, String base, Path at) throws Exception {
    try (Fd dir = Fd.directory(at)) {
      for (var entry : dir.list()) {
        Stat stat = dir.stat(entry.name());
        String path = base + "/" + entry.name();
        if (path.equals("/etc/hard")) {
          to.putHardLink(path, "etc/a");
          continue;
        }
        var xattrs = Xattrs.all(BytePath.of(at.resolve(entry.name().toString())));
        String link = stat.isSymlink() ? dir.readlink(entry.name()).toString() : "";
        var header =
            new EntryHeader(
                stat.mode(), stat.uid(), stat.gid(), stat.sizeBytes(), link, 0, 0, xattrs);
        var hash = header.begin();
        if (stat.isRegular()) {
          hash.update(java.nio.file.Files.readAllBytes(at.resolve(entry.name().toString())));
        }
        to.put(path, header, Digest.ofHash(hash.digest()));
        if (stat.isDirectory()) {
          tell(to, path, at.resolve(entry.name().toString()));
        }
      }
    }
  }

  @Test
  void aLinkBelowWhatIsAskedForCountsAsALink() throws Exception {
    var disk = new MergedTree(List.of(temp));
    try (Fd root = Fd.directory(temp)) {
      dir(root, "o", 0755);
      file(root, "o/f", "1", 0644);
      root.symlink(p("/nowhere"), p("o/broken"));
    }
    var query = new ContentQuery("/o", true, false, List.of(), List.of("zzz"));
    var first = HashTree.unknown().checksum(query, disk);
    try (Fd root = Fd.directory(temp)) {
      file(root, "nowhere", "there now", 0644);
      assertThat(HashTree.unknown().checksum(query, disk)).isEqualTo(first);
      root.unlink(p("o/broken"));
      root.symlink(p("/elsewhere"), p("o/broken"));
    }
    assertThat(HashTree.unknown().checksum(query, disk)).isNotEqualTo(first);
  }

  @Test
  void deepTreesAreHashedAndKept() throws Exception {
    BytePath deepest = p("d" + "/d".repeat(1900));
    try (Fd root = Fd.directory(temp)) {
      Directories.makeAll(root, deepest, 0755);
      file(root, deepest + "/f", "1", 0644);
      var disk = new MergedTree(List.of(temp));
      HashTree read = HashTree.unknown();
      var all = read.checksum(ContentQuery.of("/"), disk);
      var chosen = new ContentQuery("/", true, false, List.of("**/f"), List.of());
      var some = read.checksum(chosen, disk);
      var bytes = new ByteArrayOutputStream();
      read.write(new DataOutputStream(bytes));
      Directories.removeTree(root, p("d"));
      HashTree again =
          HashTree.read(new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));
      assertThat(again.checksum(ContentQuery.of("/"), disk)).isEqualTo(all);
      assertThat(again.checksum(chosen, disk)).isEqualTo(some);
      bytes.write(0);
      byte[] bad = bytes.toByteArray();
      bad[4] = 77; // the kind of the root
      assertThatThrownBy(() -> HashTree.read(new DataInputStream(new ByteArrayInputStream(bad))))
          .isInstanceOf(java.io.IOException.class);
    }
  }
}
