package dev.kiln.ops.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.llb.FileAction.Copy;
import dev.kiln.llb.FileAction.MkDir;
import dev.kiln.llb.FileAction.MkFile;
import dev.kiln.llb.FileAction.Rm;
import dev.kiln.llb.FileAction.Symlink;
import dev.kiln.model.BuildException;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Descent;
import dev.kiln.sys.Directories;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.sys.SyscallException;
import dev.kiln.sys.Xattrs;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.apache.commons.compress.compressors.xz.XZCompressorOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** L-101 to L-108, L-112, L-113, and that nothing leaves the tree. */
class FileActionsTest {
  private static final Stamp PLAIN = new Stamp(Optional.empty(), Optional.empty());

  @TempDir Path outside;
  private Path source;
  private Path target;
  private RootedTree from;
  private RootedTree to;

  @BeforeEach
  void openTrees() throws IOException {
    source = Files.createDirectory(outside.resolve("source"));
    target = Files.createDirectory(outside.resolve("target"));
    from = RootedTree.open(source);
    to = RootedTree.open(target);
  }

  @AfterEach
  void closeTrees() {
    from.close();
    to.close();
  }

  private static void write(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private static int permissions(Path path) throws SyscallException {
    return stat(path).permissions();
  }

  private static Stat stat(Path path) throws SyscallException {
    return Fd.CWD.stat(BytePath.of(path));
  }

  /** All paths of the target, sorted. */
  private String listing() throws IOException {
    try (var walk = Files.walk(target)) {
      return walk.filter(p -> !p.equals(target))
          .map(p -> target.relativize(p).toString())
          .sorted()
          .collect(Collectors.joining(" "));
    }
  }

  private static final class CopyBuilder {
    private boolean follow;
    private boolean contents;
    private boolean unpack;
    private boolean parents = true;
    private boolean wildcard;
    private boolean allowEmpty;
    private boolean replace;
    private int mode = -1;
    private String modeText = "";
    private List<String> includes = List.of();
    private List<String> excludes = List.of();

    Copy of(String source, String dest) {
      return new Copy(
          source,
          dest,
          Optional.empty(),
          mode,
          modeText,
          follow,
          contents,
          unpack,
          parents,
          wildcard,
          allowEmpty,
          -1,
          includes,
          excludes,
          replace);
    }
  }

  private void copy(Copy action) throws IOException, InterruptedException {
    FileActions.copy(from, to, action, PLAIN);
  }

  @Test
  void mkdirMakesParentsWithOwnerModeAndTime() throws IOException {
    var stamp =
        new Stamp(Optional.of(new Stamp.User(7, 8)), Optional.of(Instant.ofEpochSecond(5, 6)));
    FileActions.mkdir(to, new MkDir("/a/b", 0775, true, Optional.empty(), -1), stamp);
    Stat b = stat(target.resolve("a/b"));
    assertThat(b.permissions()).isEqualTo(0775);
    assertThat(b.uid()).isEqualTo(7);
    assertThat(b.gid()).isEqualTo(8);
    assertThat(b.mtime()).isEqualTo(Instant.ofEpochSecond(5, 6));
    assertThat(permissions(target.resolve("a"))).isEqualTo(0775);
  }

  @Test
  void mkdirOfWhatIsThereIsFineAndOfAMissingParentIsNot() throws IOException {
    var plain = new MkDir("/a", 0700, false, Optional.empty(), -1);
    FileActions.mkdir(to, plain, PLAIN);
    FileActions.mkdir(to, new MkDir("/a", 0755, false, Optional.empty(), -1), PLAIN);
    assertThat(permissions(target.resolve("a"))).isEqualTo(0700);
    assertThatThrownBy(() ->
            FileActions.mkdir(to, new MkDir("/x/y", 0755, false, Optional.empty(), -1), PLAIN))
        .isInstanceOf(SyscallException.class);
  }

  @Test
  void linksOfTheTreeMeanWhatTheyMeanInside() throws IOException {
    Files.createSymbolicLink(target.resolve("abs"), Path.of("/deep/dir"));
    Files.createSymbolicLink(target.resolve("up"), Path.of("../../../../../../etc"));
    FileActions.mkdir(to, new MkDir("/abs/x", 0755, true, Optional.empty(), -1), PLAIN);
    FileActions.mkfile(
        to, new MkFile("/up/y", 0644, new byte[] {1}, Optional.empty(), -1), withDirectory("etc"));
    assertThat(listing()).isEqualTo("abs deep deep/dir deep/dir/x etc etc/y up");
  }

  private Stamp withDirectory(String directory) throws IOException {
    Files.createDirectories(target.resolve(directory));
    return PLAIN;
  }

  @Test
  void mkfileOverwritesAndKeepsThePermissionsOfWhatWasThere() throws IOException {
    FileActions.mkfile(
        to,
        new MkFile("f", 0640, "old".getBytes(StandardCharsets.UTF_8), Optional.empty(), -1),
        PLAIN);
    FileActions.mkfile(
        to,
        new MkFile("f", 0777, "n".getBytes(StandardCharsets.UTF_8), Optional.empty(), -1),
        PLAIN);
    assertThat(target.resolve("f")).hasContent("n");
    assertThat(permissions(target.resolve("f"))).isEqualTo(0640);
  }

  @Test
  void rmTakesALinkAndNotWhatItPointsTo() throws IOException {
    write(target.resolve("d/f"), "x");
    Files.createSymbolicLink(target.resolve("l"), Path.of("d"));
    FileActions.rm(to, new Rm("/l", false, false));
    assertThat(listing()).isEqualTo("d d/f");
    FileActions.rm(to, new Rm("d/*", false, true));
    FileActions.rm(to, new Rm("/none/at/all", true, false));
    assertThat(listing()).isEqualTo("d");
    assertThatThrownBy(() -> FileActions.rm(to, new Rm("/none", false, false)))
        .satisfies(e ->
            assertThat(FileFailure.of((SyscallException) e, List.of(to.mountedAt())).getMessage())
                .isEqualTo("lstat /none: no such file or directory"));
    assertThatThrownBy(() -> FileActions.rm(to, new Rm("/", false, false)))
        .hasMessage("rmPath: invalid empty path");
  }

  @Test
  void symlinkOverSomethingFails() throws IOException {
    FileActions.symlink(to, new Symlink("/old", "/new", Optional.empty(), -1), PLAIN);
    assertThat(Files.readSymbolicLink(target.resolve("new"))).hasToString("/old");
    // the link that is there now is followed, so the second one becomes /old
    FileActions.symlink(to, new Symlink("x", "/new", Optional.empty(), -1), PLAIN);
    assertThat(listing()).isEqualTo("new old");
  }

  @Test
  void directoryIsCopiedIntoAnExistingOneUnlessOnlyItsContentIsWanted() throws Exception {
    write(source.resolve("d/f"), "x");
    Files.createDirectory(target.resolve("t"));
    copy(new CopyBuilder().of("/d", "/t"));
    var contents = new CopyBuilder();
    contents.contents = true;
    copy(contents.of("/d", "/u/"));
    copy(new CopyBuilder().of("/d", "/w"));
    copy(new CopyBuilder().of("/d/.", "/t"));
    assertThat(listing()).isEqualTo("t t/d t/d/f t/f u u/f w w/f");
  }

  @Test
  void fileIsCopiedToANameOrIntoADirectory() throws Exception {
    write(source.resolve("f"), "x");
    Files.setLastModifiedTime(source.resolve("f"), FileTime.from(Instant.ofEpochSecond(1, 2)));
    copy(new CopyBuilder().of("f", "a/b/c"));
    copy(new CopyBuilder().of("f", "a/"));
    assertThat(listing()).isEqualTo("a a/b a/b/c a/f");
    assertThat(stat(target.resolve("a/f")).mtime()).isEqualTo(Instant.ofEpochSecond(1, 2));
    var noParents = new CopyBuilder();
    noParents.parents = false;
    assertThatThrownBy(() -> copy(noParents.of("f", "/no/such/x")))
        .isInstanceOf(BuildException.class)
        .hasMessage("failed to stat /no/such/x: lstat /no/such: no such file or directory");
  }

  @Test
  void patternsChooseFilesAndMakeOnlyTheFoldersTheyNeed() throws Exception {
    write(source.resolve("a/x.go"), "1");
    write(source.resolve("a/sub/y.go"), "2");
    write(source.resolve("a/sub/z.txt"), "3");
    write(source.resolve("a/other/w.txt"), "4");
    var go = new CopyBuilder();
    go.contents = true;
    go.includes = List.of("**/*.go");
    go.excludes = List.of("x.go");
    copy(go.of("/a", "/"));
    assertThat(listing()).isEqualTo("sub sub/y.go");
  }

  @Test
  void wildcardsOfTheSource() throws Exception {
    write(source.resolve("d/a1"), "1");
    write(source.resolve("d/a2/f"), "2");
    write(source.resolve("d/b"), "3");
    var some = new CopyBuilder();
    some.wildcard = true;
    copy(some.of("/d/a*", "/t/"));
    assertThat(listing()).isEqualTo("t t/a1 t/a2 t/a2/f");
    assertThatThrownBy(() -> copy(some.of("/d/q*", "/t/"))).hasMessage("/d/q* not found");
    some.allowEmpty = true;
    copy(some.of("/d/q*", "/t/"));
  }

  @Test
  void linksAttributesAndSpecialFilesAreKept() throws Exception {
    write(source.resolve("d/one"), "x");
    Files.createLink(source.resolve("d/two"), source.resolve("d/one"));
    Files.createSymbolicLink(source.resolve("d/l"), Path.of("/nowhere"));
    Xattrs.set(BytePath.of(source.resolve("d/one")), "user.k", new byte[] {0, 1});
    try (Fd d = Fd.directory(source.resolve("d"))) {
      d.mknod(BytePath.of("p"), Stat.S_IFIFO | 0600, Stat.Device.NONE);
    }
    copy(new CopyBuilder().of("/d", "/"));
    assertThat(stat(target.resolve("d/one")).inode())
        .isEqualTo(stat(target.resolve("d/two")).inode());
    assertThat(Files.readSymbolicLink(target.resolve("d/l"))).hasToString("/nowhere");
    assertThat(Xattrs.get(BytePath.of(target.resolve("d/one")), "user.k"))
        .hasValueSatisfying(v -> assertThat(v).containsExactly(0, 1));
    assertThat(stat(target.resolve("d/p")).type()).isEqualTo(Stat.S_IFIFO);
  }

  @Test
  void modesOctalAndSymbolic() throws Exception {
    write(source.resolve("d/f"), "x");
    var octal = new CopyBuilder();
    octal.mode = 04711;
    copy(octal.of("/d/f", "/o/f"));
    assertThat(permissions(target.resolve("o/f"))).isEqualTo(04711);
    assertThat(permissions(target.resolve("o"))).isEqualTo(0711);
    var symbolic = new CopyBuilder();
    symbolic.modeText = "u=rwX,go=";
    copy(symbolic.of("/d", "/s"));
    assertThat(permissions(target.resolve("s"))).isEqualTo(0700);
    assertThat(permissions(target.resolve("s/f"))).isEqualTo(0600);
  }

  @Test
  void whatIsInTheWayIsReplacedOnlyWhereAsked() throws Exception {
    write(source.resolve("d/f"), "new");
    write(target.resolve("d/f/deep"), "old");
    var contents = new CopyBuilder();
    assertThatThrownBy(() -> copy(contents.of("/d", "/")))
        .hasMessage("cannot replace to directory /d/f with file");
    contents.replace = true;
    copy(contents.of("/d", "/"));
    assertThat(target.resolve("d/f")).hasContent("new");
    Files.createSymbolicLink(target.resolve("e"), Path.of("/d"));
    write(source.resolve("e/g"), "g");
    contents.replace = false;
    assertThatThrownBy(() -> copy(contents.of("/e", "/")))
        .hasMessage("cannot copy to non-directory: /e");
  }

  private interface Compressor {
    OutputStream over(OutputStream out) throws IOException;
  }

  private void archive(String name, Compressor compressor) throws IOException {
    try (var tar =
        new TarArchiveOutputStream(compressor.over(Files.newOutputStream(source.resolve(name))))) {
      var file = new TarArchiveEntry("in/file");
      file.setSize(2);
      file.setMode(0100751);
      file.setIds(11, 12);
      file.setModTime(FileTime.from(Instant.ofEpochSecond(77)));
      tar.putArchiveEntry(file);
      tar.write(new byte[] {'h', 'i'});
      tar.closeArchiveEntry();
      var escape = new TarArchiveEntry("../../evil");
      tar.putArchiveEntry(escape);
      tar.closeArchiveEntry();
      var link = new TarArchiveEntry("out", TarConstants.LF_SYMLINK);
      link.setLinkName("/in");
      tar.putArchiveEntry(link);
      tar.closeArchiveEntry();
      var through = new TarArchiveEntry("out/through");
      tar.putArchiveEntry(through);
      tar.closeArchiveEntry();
      var hard = new TarArchiveEntry("hard", TarConstants.LF_LINK);
      hard.setLinkName("in/file");
      hard.setMode(0100750);
      hard.setIds(13, 14);
      hard.setModTime(FileTime.from(Instant.ofEpochSecond(78)));
      tar.putArchiveEntry(hard);
      tar.closeArchiveEntry();
    }
  }

  @Test
  void archivesAreUnpackedAndStayInside() throws Exception {
    archive("a.tar", o -> o);
    archive("a.gz", GZIPOutputStream::new);
    archive("a.bz2", BZip2CompressorOutputStream::new);
    archive("a.xz", XZCompressorOutputStream::new);
    write(source.resolve("plain"), "no archive at all, but longer than a header ".repeat(30));
    write(source.resolve("empty"), "");
    var unpack = new CopyBuilder();
    unpack.unpack = true;
    for (String each : List.of("a.tar", "a.gz", "a.bz2", "a.xz")) {
      copy(unpack.of(each, "/" + each + "/"));
      Path root = target.resolve(each);
      assertThat(root.resolve("in/file")).hasContent("hi");
      Stat file = stat(root.resolve("in/file"));
      // the header of the hard link came last
      assertThat(file.permissions()).isEqualTo(0750);
      assertThat(file.uid()).isEqualTo(13);
      assertThat(file.mtime()).isEqualTo(Instant.ofEpochSecond(78));
      assertThat(stat(root.resolve("hard")).inode()).isEqualTo(file.inode());
      assertThat(Files.exists(root.resolve("in/through"), LinkOption.NOFOLLOW_LINKS)).isTrue();
      assertThat(Files.exists(root.resolve("evil"))).isTrue();
    }
    assertThat(outside.resolve("evil")).doesNotExist();
    copy(unpack.of("plain", "/p/"));
    copy(unpack.of("empty", "/p/"));
    assertThat(Files.readString(target.resolve("p/plain"))).startsWith("no archive");
    assertThat(target.resolve("p/empty")).isEmptyFile();
  }

  @Test
  @Timeout(value = 20, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void namesAreLookedUpInRegularFilesOnly() throws Exception {
    write(target.resolve("etc/passwd"), "root:x:0:0::/:\nsomeone:x:7:8::/:\n");
    write(target.resolve("etc/group"), "some:x:9:someone\n");
    assertThat(Users.user(to, "someone")).contains(new Stamp.User(7, 8));
    assertThat(Users.group(to, "some")).contains(9);
    assertThat(Users.user(to, "nobody")).isEmpty();
    Files.delete(target.resolve("etc/passwd"));
    assertThat(Users.user(to, "someone")).isEmpty();
    try (Fd etc = Fd.directory(target.resolve("etc"))) {
      etc.mknod(BytePath.of("passwd"), Stat.S_IFIFO | 0666, Stat.Device.NONE);
      assertThatThrownBy(() -> Users.user(to, "someone"))
          .hasMessageContaining("/etc/passwd")
          .hasMessageContaining("is a fifo");
      etc.unlink(BytePath.of("passwd"));
      etc.mknod(BytePath.of("passwd"), Stat.S_IFCHR | 0666, new Stat.Device(1, 5));
      assertThatThrownBy(() -> Users.user(to, "someone")).hasMessageContaining("is a device");
      etc.unlink(BytePath.of("group"));
      try (Fd group = etc.create(BytePath.of("group"), 0644)) {
        group.truncate(1L << 40);
      }
      assertThatThrownBy(() -> Users.group(to, "some"))
          .hasMessageContaining("1048576 bytes, the most that is read");
    }
  }

  @Test
  @Timeout(value = 20, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void specialFilesAreNeitherReadNorWritten() throws Exception {
    try (Fd dir = Fd.directory(source)) {
      dir.mknod(BytePath.of("fifo"), Stat.S_IFIFO | 0640, Stat.Device.NONE);
      dir.mknod(BytePath.of("device"), Stat.S_IFCHR | 0600, new Stat.Device(1, 5));
      dir.mknod(BytePath.of("socket"), Stat.S_IFSOCK | 0600, Stat.Device.NONE);
    }
    var unpack = new CopyBuilder();
    unpack.unpack = true;
    for (String name : List.of("fifo", "device", "socket")) {
      copy(unpack.of(name, "/to/"));
      assertThatThrownBy(() -> TreeFiles.read(source, "the input", "/" + name, 100))
          .isInstanceOf(BuildException.class)
          .hasMessageContaining("/" + name + " of the input is a");
    }
    assertThat(stat(target.resolve("to/fifo")).type()).isEqualTo(Stat.S_IFIFO);
    assertThat(stat(target.resolve("to/device")).rdev()).isEqualTo(new Stat.Device(1, 5));
    assertThatThrownBy(() ->
            FileActions.mkfile(
                from, new MkFile("/fifo", 0644, new byte[0], Optional.empty(), -1), PLAIN))
        .hasMessageContaining("only a regular file is written");
  }

  @Test
  void foldersInEachOtherAreCopiedAsDeepAsPathsGo() throws Exception {
    BytePath deepest = BytePath.of("d" + "/d".repeat(1500));
    try (Fd root = Fd.directory(source);
        Fd out = Fd.directory(target)) {
      Directories.makeAll(root, deepest, 0750);
      root.create(deepest.resolve("f"), 0640).close();
      root.create(deepest.resolve("g"), 0640).close();
      root.link(deepest.resolve("f"), root, BytePath.of("d/hard"));
      copy(new CopyBuilder().of("/d", "/all"));
      BytePath copied = BytePath.of("all" + "/d".repeat(1500));
      assertThat(out.stat(copied.resolve("f")).permissions()).isEqualTo(0640);
      assertThat(out.stat(copied).permissions()).isEqualTo(0750);
      assertThat(out.stat(copied.resolve("f")).inode())
          .isEqualTo(out.stat(BytePath.of("all/hard")).inode());
      var some = new CopyBuilder();
      some.includes = List.of("**/g");
      copy(some.of("/d", "/some"));
      assertThat(out.exists(BytePath.of("some" + "/d".repeat(1500) + "/g"))).isTrue();
      assertThat(out.exists(BytePath.of("some/hard"))).isFalse();
      var wild = new CopyBuilder();
      wild.wildcard = true;
      copy(wild.of("/d" + "/[d]".repeat(1500) + "/f", "/wild"));
      assertThat(out.stat(BytePath.of("wild")).isRegular()).isTrue();
      for (String name : List.of("all", "some")) {
        Directories.removeTree(out, BytePath.of(name));
      }
      Directories.removeTree(root, BytePath.of("d"));
    }
  }

  @Test
  void foldersDeeperThanAnyPathAreRefusedInWords() throws Exception {
    try (Fd root = Fd.directory(source);
        Fd out = Fd.directory(target)) {
      try (var at = new Descent(root)) {
        for (int i = 0; i < 2100; i++) {
          at.here().mkdir(BytePath.of("d"), 0755);
          at.enter(BytePath.of("d"));
        }
      }
      assertThatThrownBy(() -> copy(new CopyBuilder().of("/d", "/x")))
          .hasMessageContaining("file name too long")
          .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(2000));
      Directories.removeTree(out, BytePath.of("x"));
      Directories.removeTree(root, BytePath.of("d"));
    }
  }
}
