package dev.kiln.session.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Descent;
import dev.kiln.sys.Directories;
import dev.kiln.sys.Fd;
import dev.kiln.sys.Stat;
import dev.kiln.sys.Xattrs;
import dev.kiln.tracing.Blocking;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TreeTransferTest {
  @TempDir Path temp;
  private Path source;
  private Path destination;

  @BeforeEach
  void makeDirectories() throws IOException {
    source = Files.createDirectory(temp.resolve("source"));
    destination = Files.createDirectory(temp.resolve("destination"));
  }

  @Test
  void firstTransferCopiesEveryKindOfFileWithItsMetadata() throws Exception {
    write("a/file", "hello");
    write("a-b", "sorts after what is in a");
    write("z/empty", "");
    Files.createSymbolicLink(source.resolve("z/link"), Path.of("/nowhere/../else"));
    Files.createLink(source.resolve("z/other name"), source.resolve("a/file"));
    try (Fd root = Fd.directory(source)) {
      root.mknod(BytePath.of("pipe"), Stat.S_IFIFO | 0640, Stat.Device.NONE);
      root.mknod(BytePath.of("null"), Stat.S_IFCHR | 0666, new Stat.Device(1, 3));
      root.chown(BytePath.of("a/file"), 1234, 5678);
      root.chmod(BytePath.of("a/file"), 04751);
      root.chmod(BytePath.of("z"), 01777);
      root.utimes(BytePath.of("a/file"), -5, 123456789);
      root.utimes(BytePath.of("z/link"), 77, 5);
      root.utimes(BytePath.of("a"), 1000, 42);
    }
    Xattrs.set(BytePath.of(source.resolve("a/file")), "user.note", new byte[] {1, 0, 2});

    transfer(ReceiveOptions.MIRROR);

    assertThat(describe(destination)).isEqualTo(describe(source));
  }

  @Test
  void bigFilesArriveWhole() throws Exception {
    byte[] content = new byte[5_000_001];
    for (int i = 0; i < content.length; i++) {
      content[i] = (byte) (i * 31 + i / 1000);
    }
    Files.write(source.resolve("big"), content);
    Files.write(source.resolve("big2"), content);

    TreeReceiver.Summary summary = transfer(ReceiveOptions.MIRROR);

    assertThat(destination.resolve("big")).hasBinaryContent(content);
    assertThat(destination.resolve("big2")).hasBinaryContent(content);
    assertThat(summary.bytesReceived()).isGreaterThanOrEqualTo(2L * content.length);
  }

  @Test
  void secondTransferAsksOnlyForWhatDiffers() throws Exception {
    write("same", "1");
    write("changed", "1");
    write("gone/deep/file", "1");
    write("file becomes directory", "1");
    write("directory becomes file/x", "1");
    transfer(ReceiveOptions.MIRROR);

    write("changed", "22");
    deleteTree(source.resolve("gone"));
    Files.delete(source.resolve("file becomes directory"));
    write("file becomes directory/inside", "1");
    deleteTree(source.resolve("directory becomes file"));
    write("directory becomes file", "1");
    write("new", "1");
    TreeReceiver.Summary summary = transfer(ReceiveOptions.MIRROR);

    assertThat(describe(destination)).isEqualTo(describe(source));
    assertThat(summary.filesRequested()).isEqualTo(4);
  }

  @Test
  void unchangedTreeSendsNothing() throws Exception {
    write("a/b/c", "1");
    Files.createSymbolicLink(source.resolve("a/l"), Path.of("b"));
    Files.createLink(source.resolve("h"), source.resolve("a/b/c"));
    transfer(ReceiveOptions.MIRROR);
    var changes = new Recorder();

    TreeReceiver.Summary summary = transfer(ReceiveOptions.MIRROR.withChanges(changes));

    assertThat(summary.filesRequested()).isZero();
    assertThat(changes.changed).isEmpty();
    assertThat(changes.removed).isEmpty();
  }

  private void inWholeSeconds() throws IOException {
    try (var all = Files.walk(source)) {
      for (Path path : all.toList()) {
        Files.setLastModifiedTime(path, FileTime.fromMillis(1_600_000_000_000L));
      }
    }
  }

  @Test
  void anotherFoldersFileOfEqualSizeAndTimeIsSent() throws Exception {
    write("d/a", "one");
    Files.createLink(source.resolve("d/b"), source.resolve("d/a"));
    inWholeSeconds();
    transfer(ReceiveOptions.MIRROR.withKnownFolder(false));
    write("d/a", "two");
    inWholeSeconds();
    var changes = new Recorder();

    transfer(ReceiveOptions.MIRROR.withKnownFolder(false).withChanges(changes));

    assertThat(destination.resolve("d/a")).hasContent("two");
    assertThat(destination.resolve("d/b")).hasContent("two");
    assertThat(changes.changed).containsKeys("d/a", "d/b");
    assertThat(describe(destination)).isEqualTo(describe(source));
  }

  @Test
  void aFolderThatIsKnownByItsTimesSendsNothing() throws Exception {
    write("a", "one");
    write("z", "two");
    inWholeSeconds();
    Files.setLastModifiedTime(source.resolve("z"), FileTime.from(Instant.ofEpochSecond(7, 89)));
    transfer(ReceiveOptions.MIRROR.withKnownFolder(false));
    var summary = transfer(ReceiveOptions.MIRROR.withKnownFolder(false));
    assertThat(summary.filesRequested()).isZero();
    inWholeSeconds();
    transfer(ReceiveOptions.MIRROR);
    assertThat(transfer(ReceiveOptions.MIRROR).filesRequested())
        .as("the client says that it is the folder")
        .isZero();
  }

  @Test
  void withoutTrustEveryFileIsSentAgain() throws Exception {
    write("a", "1");
    write("b", "2");
    transfer(ReceiveOptions.MIRROR);
    FileTime time = Files.getLastModifiedTime(source.resolve("a"));
    Files.writeString(source.resolve("a"), "X");
    Files.setLastModifiedTime(source.resolve("a"), time);

    TreeReceiver.Summary summary = transfer(ReceiveOptions.MIRROR.withTrustMetadata(false));

    assertThat(summary.filesRequested()).isEqualTo(2);
    assertThat(destination.resolve("a")).hasContent("X");
  }

  @Test
  void changesAreToldWithTheHashOfWhatWasWritten() throws Exception {
    write("d/file", "content");
    write("old", "x");
    transfer(ReceiveOptions.MIRROR);
    write("d/file", "content, longer");
    write("d/new", "n");
    Files.delete(source.resolve("old"));
    var changes = new Recorder();

    transfer(ReceiveOptions.MIRROR.withChanges(changes));

    assertThat(changes.removed).containsExactly("old");
    assertThat(changes.changed)
        .containsEntry("d/file", Digest.of("header:d/filecontent, longer").hex())
        .containsEntry("d/new", Digest.of("header:d/newn").hex())
        .doesNotContainKey("old");
  }

  @Test
  void linkFollowsItsRewrittenTarget() throws Exception {
    write("a", "1");
    Files.createLink(source.resolve("b"), source.resolve("a"));
    transfer(ReceiveOptions.MIRROR);
    FileTime time = Files.getLastModifiedTime(source.resolve("a"));
    Files.writeString(source.resolve("a"), "22");
    Files.setLastModifiedTime(source.resolve("a"), time); // b looks the same: its size is not told

    transfer(ReceiveOptions.MIRROR);

    assertThat(describe(destination)).isEqualTo(describe(source));
    assertThat(destination.resolve("b")).hasContent("22");
  }

  @Test
  void mergingKeepsOtherFiles() throws Exception {
    write("dir/new", "1");
    Files.createDirectories(destination.resolve("dir"));
    Files.writeString(destination.resolve("dir/old"), "2");
    Files.createSymbolicLink(destination.resolve("dir/new"), Path.of("old"));

    transfer(ReceiveOptions.MERGE.withMap(e -> e.ownedBy(0, 0)));

    assertThat(destination.resolve("dir/old")).hasContent("2");
    assertThat(destination.resolve("dir/new")).hasContent("1").isRegularFile();
    assertThat(Files.isSymbolicLink(destination.resolve("dir/new"))).isFalse();
  }

  @Test
  void metadataAloneLeavesAListAndTheExceptions() throws Exception {
    write("a/keep/me", "1");
    write("a/skip", "2");
    write("b", "3");
    write(".fsutil-metadata", "someone's own");

    transfer(ReceiveOptions.MIRROR.withOnlyMetadata(e -> e.path().toString().equals("a/keep/me")));

    assertThat(destination.resolve("a/keep/me")).hasContent("1");
    assertThat(destination.resolve("a/skip")).doesNotExist();
    assertThat(destination.resolve("b")).doesNotExist();
    byte[] list = Files.readAllBytes(destination.resolve(".fsutil-metadata"));
    assertThat(new String(list, StandardCharsets.ISO_8859_1))
        .contains("a/keep/me", "a/skip", "b")
        .doesNotContain("fsutil");
  }

  @Test
  void namesNeedNotBeUtf8() throws Exception {
    BytePath name = BytePath.ofBytes(new byte[] {'x', (byte) 0xff, (byte) 0xfe});
    try (Fd root = Fd.directory(source)) {
      root.create(name, 0600).close();
    }

    transfer(ReceiveOptions.MIRROR);

    try (Fd root = Fd.directory(destination)) {
      assertThat(root.stat(name).isRegular()).isTrue();
    }
  }

  @Test
  void pathsThatLeadOutAreRefused() {
    for (String path : List.of("../x", "/x", "a/../../x", "a//x", "./x", "", "missing/x")) {
      assertThatThrownBy(() -> receiveOnly(TreeEntry.file(BytePath.of(path), 0644, 0, 0)))
          .as(path)
          .isInstanceOf(BuildException.class);
    }
  }

  @Test
  void linksMustNameAnEarlierFile() {
    TreeEntry link =
        TreeEntry.file(BytePath.of("b"), 0644, 0, 0)
            .movedTo(BytePath.of("b"), BytePath.of("../../etc/passwd"));
    assertThatThrownBy(() -> receiveOnly(link))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("unknown path");
  }

  @Test
  void aSymlinkIsNoDirectoryForLaterEntries() {
    TreeEntry link =
        new TreeEntry(
            BytePath.of("l"),
            GoMode.SYMLINK | 0777,
            0,
            0,
            0,
            0,
            BytePath.of("/tmp"),
            0,
            0,
            TreeEntry.NO_XATTRS);
    assertThatThrownBy(() -> receiveOnly(link, TreeEntry.file(BytePath.of("l/x"), 0644, 0, 0)))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("out of order");
  }

  @Test
  void failureOfTheSenderIsTheReceiversToo() throws Exception {
    var pair = new PacketPair();
    pair.sender.send(new Packet.Failed("disk on fire"));
    assertThatThrownBy(
            () -> TreeReceiver.receive(pair.receiver, destination, ReceiveOptions.MIRROR))
        .isInstanceOf(BuildException.class)
        .hasMessage("error from sender: disk on fire");
  }

  @Test
  void howTheReceiverEndsTheCallSaysWhyItFailed() throws Exception {
    var answers = new ArrayDeque<Packet>(List.of(new Packet.Failed("context canceled")));
    PacketStream receiver =
        new PacketStream() {
          @Override
          public void send(Packet packet) {}

          @Override
          public Optional<Packet> receive() {
            if (answers.isEmpty()) {
              throw new BuildException(Kind.EXHAUSTED, "write /a: no space left on device");
            }
            return Optional.of(answers.poll());
          }

          @Override
          public void cancel(String reason) {}
        };
    try (var tree = new DirectoryTree(source)) {
      assertThatThrownBy(() -> TreeSender.send(receiver, tree, _ -> {}))
          .isInstanceOfSatisfying(
              BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.EXHAUSTED))
          .hasMessage("error from receiver: write /a: no space left on device");
    }
  }

  @Test
  void manyFilesNeverDeadlock() throws Exception {
    for (int i = 0; i < 3000; i++) {
      write("d" + i % 7 + "/f" + i, "content " + i);
    }
    TreeReceiver.Summary summary = transfer(ReceiveOptions.MIRROR);
    assertThat(summary.filesRequested()).isEqualTo(3000);
    assertThat(describe(destination)).isEqualTo(describe(source));
  }

  // Helpers.

  private void receiveOnly(TreeEntry... entries) throws Exception {
    var pair = new PacketPair();
    for (TreeEntry entry : entries) {
      pair.sender.send(new Packet.Entry(entry));
    }
    TreeReceiver.receive(pair.receiver, destination, ReceiveOptions.MIRROR);
  }

  private TreeReceiver.Summary transfer(ReceiveOptions options) throws Exception {
    var pair = new PacketPair();
    var sending =
        Blocking.start(
            "sender",
            () -> {
              try (var tree = new DirectoryTree(source)) {
                TreeSender.send(pair.sender, tree, bytes -> {});
              }
              pair.endOfSender();
              return true;
            });
    TreeReceiver.Summary summary = TreeReceiver.receive(pair.receiver, destination, options);
    try {
      sending.done().toCompletableFuture().get(20, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw new AssertionError("the sender failed", e);
    }
    return summary;
  }

  private void write(String path, String content) throws IOException {
    Path file = source.resolve(path);
    Files.createDirectories(file.getParent());
    Files.writeString(file, content);
  }

  private static void deleteTree(Path path) throws IOException {
    dev.kiln.sys.Directories.removeTree(Fd.CWD, BytePath.of(path));
  }

  /** Everything that a transfer keeps, as text. */
  private static Map<String, String> describe(Path directory) throws IOException {
    var all = new TreeMap<String, String>();
    try (Fd root = Fd.directory(directory);
        var walk = new TreeWalk(root, true)) {
      for (var next = walk.next(); next.isPresent(); next = walk.next()) {
        TreeEntry e = next.get();
        var xattrs = new ArrayList<String>();
        e.xattrs().forEach((k, v) -> xattrs.add(k + "=" + HexFormat.of().formatHex(v)));
        String content =
            e.isRegular()
                ? Digest.of(Files.readAllBytes(directory.resolve(e.path().toString()))).hex()
                : "";
        all.put(
            e.path().toString(),
            "%o %d:%d %d %s -> %s %d:%d %s %s"
                .formatted(
                    GoMode.toUnix(e.mode()),
                    e.uid(),
                    e.gid(),
                    e.sizeBytes(),
                    Instant.ofEpochSecond(e.mtimeSeconds(), e.mtimeNanosOfSecond()),
                    e.linkname(),
                    e.devMajor(),
                    e.devMinor(),
                    xattrs,
                    content));
      }
    }
    return all;
  }

  /** Hashes a stand-in for the header and the path, then the content. */
  private static final class Recorder implements TreeChanges {
    final Map<String, String> changed = new ConcurrentHashMap<>();
    final ConcurrentLinkedQueue<String> removed = new ConcurrentLinkedQueue<>();

    @Override
    public MessageDigest hasher(TreeEntry entry) {
      MessageDigest hash = Digest.sha256();
      hash.update(("header:" + entry.path()).getBytes(StandardCharsets.UTF_8));
      return hash;
    }

    @Override
    public void changed(TreeEntry entry, byte[] hash) {
      changed.put(entry.path().toString(), HexFormat.of().formatHex(hash));
    }

    @Override
    public void removed(BytePath path) {
      removed.add(path.toString());
    }
  }

  @Test
  void foldersInEachOtherCrossAsDeepAsPathsGo() throws Exception {
    BytePath deepest = BytePath.of("d" + "/d".repeat(1999));
    try (Fd root = Fd.directory(source)) {
      Directories.makeAll(root, deepest, 0755);
      root.create(deepest.resolve("f"), 0644).close();
    }
    transfer(ReceiveOptions.MIRROR);
    try (Fd from = Fd.directory(source);
        Fd to = Fd.directory(destination)) {
      assertThat(to.stat(deepest.resolve("f")).isRegular()).isTrue();
      Directories.removeTree(from, BytePath.of("d"));
      transfer(ReceiveOptions.MIRROR);
      assertThat(to.list()).isEmpty();
    }
  }

  @Test
  void foldersDeeperThanAnyPathAreRefusedInWords() throws Exception {
    BytePath name = BytePath.of("d");
    try (Fd root = Fd.directory(source)) {
      try (var at = new Descent(root)) {
        for (int i = 0; i < 2100; i++) {
          at.here().mkdir(name, 0755);
          at.enter(name);
        }
      }
      assertThatThrownBy(
              () -> {
                try (var tree = new DirectoryTree(source)) {
                  tree.walk(_ -> {});
                }
              })
          .hasMessageContaining("file name too long")
          .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(2000));
      Directories.removeTree(root, name);
    }
    BytePath far = BytePath.of("x".repeat(5000));
    assertThatThrownBy(() -> receiveOnly(TreeEntry.file(far, 0644, 0, 0)))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("a path of 5000 bytes");
  }
}
