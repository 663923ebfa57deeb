package dev.kiln.session.tree;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Fd;
import dev.kiln.sys.SyscallException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes a directory equal to a peer's tree. One object a transfer, on one thread of the caller's,
 * with helpers for file contents. The peer's list and a walk of the directory go side by side, both
 * in the same order, so nothing is looked up; a file is created when its content comes, links are
 * made when all contents are there, and times of directories set last. After a failure the
 * directory is in no defined state.
 *
 * <p>Protocol: fsutil 2025-04-17, {@code receive.go}.
 */
public final class TreeReceiver {
  /** Where the list of entries is left when only metadata is received. */
  public static final BytePath METADATA_FILE = BytePath.of(".fsutil-metadata");

  /** Requests under way: enough to keep a sender busy, few enough to fit any flow window. */
  private static final int MAX_ASKED = 1024;

  /** What the list of one transfer may take in memory: some three million usual files. */
  private static final long MAX_KEPT_BYTES = 1L << 30;

  /** What an entry takes besides its names. */
  private static final int ENTRY_BYTES = 250;

  /** Larger first parts are written at once: each of {@link #MAX_ASKED} files may hold one. */
  private static final int MAX_HELD_PART = 1 << 16;

  private final PacketStream peer;
  private final ReceiveOptions options;
  private final TreeWriter writer;
  private final FileWorkers workers;
  private final @Nullable TreeWalk existing; // none where files are kept: nothing is compared then
  private Optional<TreeEntry> oldEntry = Optional.empty();

  private final TreeOrder order = new TreeOrder();
  private final Set<BytePath> linkable = new HashSet<>();
  private final Set<BytePath> rewritten = new HashSet<>();
  private final List<TreeEntry> links = new ArrayList<>();
  private final Map<BytePath, TreeEntry> touchedDirectories = new HashMap<>();
  private final Map<BytePath, TreeEntry> directories = new HashMap<>();
  private final Map<Integer, Incoming> incoming = new HashMap<>();
  private final DoubtfulFiles doubtful;
  private final MetadataList metadata = new MetadataList();
  private final ArrayDeque<TreeEntry> heldParents = new ArrayDeque<>();
  private final ArrayDeque<Integer> unasked = new ArrayDeque<>();
  private int asked; // and not yet here in full
  private int nextId;
  private int filesRequested;
  private boolean listed;
  private boolean finished;
  private long bytesReceived;
  private long keptBytes;

  /** A requested file; its first part waits to see whether it is the only one. */
  private static final class Incoming {
    final FileWorkers.File file;
    Packet.@Nullable Data first;
    boolean started;

    Incoming(FileWorkers.File file) {
      this.file = file;
    }
  }

  /** What a transfer did. Immutable. */
  public record Summary(long bytesReceived, int entries, int filesRequested) {}

  private TreeReceiver(PacketStream peer, Fd root, ReceiveOptions options) throws SyscallException {
    this.peer = peer;
    this.options = options;
    this.doubtful = new DoubtfulFiles(options.knownFolder());
    this.writer = new TreeWriter(root);
    this.existing = options.keepOthers() ? null : new TreeWalk(root, false);
    this.workers =
        new FileWorkers(
            writer,
            options.changes(),
            failure -> peer.cancel("cannot write a file: " + failure.getMessage()));
  }

  /**
   * Receives into {@code destination}, which exists; returns when both ends have finished.
   *
   * @throws BuildException the peer's failure, or {@code INVALID} for what it must not send
   */
  public static Summary receive(PacketStream peer, Path destination, ReceiveOptions options)
      throws IOException, InterruptedException {
    try (Fd root = Fd.directory(destination)) {
      var receiver = new TreeReceiver(peer, root, options);
      try (receiver.workers) {
        return receiver.run();
      } finally {
        if (receiver.existing != null) {
          receiver.existing.close();
        }
      }
    }
  }

  private Summary run() throws IOException, InterruptedException {
    try {
      nextOld();
      while (true) {
        Optional<Packet> packet = peer.receive();
        if (packet.isEmpty()) {
          break;
        }
        on(packet.get());
      }
    } catch (BuildException | IOException | InterruptedException e) {
      Throwable cause = workers.failure(); // then the peer's failure is only its consequence
      Throwable failure = cause == null ? e : cause;
      if (!(e instanceof BuildException) || cause != null) {
        peer.cancel(String.valueOf(failure.getMessage()));
      }
      if (cause instanceof IOException io) {
        throw io;
      }
      if (cause instanceof RuntimeException bug) {
        throw bug;
      }
      throw e;
    }
    if (!finished) {
      throw new BuildException(Kind.UNKNOWN, "the file transfer ended early");
    }
    return new Summary(bytesReceived, nextId, filesRequested);
  }

  private void on(Packet packet) throws IOException, InterruptedException {
    switch (packet) {
      case Packet.Entry(TreeEntry entry) -> onEntry(entry);
      case Packet.EndOfEntries() -> onEndOfEntries();
      case Packet.Data data -> onData(data);
      case Packet.Fin() -> finished = true;
      case Packet.Failed(String message) ->
          throw new BuildException(Kind.UNKNOWN, "error from sender: " + message);
      case Packet.Request _ -> throw new BuildException(Kind.INVALID, "a sender asked for a file");
    }
  }

  private void count(long bytes) {
    bytesReceived += bytes;
    options.received().accept(bytesReceived);
  }

  private void onEntry(TreeEntry sent) throws IOException, InterruptedException {
    if (listed) {
      throw new BuildException(Kind.INVALID, "an entry after the end of the list: " + sent.path());
    }
    count(sent.path().length() + 32L);
    keep(sent);
    boolean metadataOnly = options.onlyMetadata().isPresent();
    int id = nextId++;
    order.check(sent);
    if (metadataOnly && sent.path().equals(METADATA_FILE)) {
      return; // the name is ours
    }
    if (sent.isHardLink()) {
      if (!linkable.contains(sent.linkname())) {
        throw new BuildException(
            Kind.INVALID,
            "invalid link " + sent.path() + " to unknown path: \"" + sent.linkname() + "\"");
      }
    } else if (!sent.isDirectory() && !sent.isSymlink()) {
      linkable.add(sent.path());
    }
    TreeEntry entry = options.map().apply(sent);
    if (metadataOnly) {
      metadata.add(sent);
      holdParents(entry);
      if (!options.onlyMetadata().get().test(entry)) {
        return;
      }
      for (TreeEntry parent; (parent = heldParents.pollLast()) != null; ) {
        if (!parent.path().equals(entry.path())) {
          place(parent, -1);
        }
      }
    }
    place(entry, id);
  }

  /** Counts what an entry takes in memory until the end of the transfer. */
  private void keep(TreeEntry sent) {
    keptBytes += sent.path().length() + sent.linkname().length() + ENTRY_BYTES;
    if (keptBytes > MAX_KEPT_BYTES) {
      throw new BuildException(
          Kind.EXHAUSTED,
          "a folder with "
              + (nextId + 1)
              + " files is too large to receive: their names take more than "
              + MAX_KEPT_BYTES
              + " bytes; leave some out by .dockerignore");
    }
  }

  // Directories above an entry that have not been placed, innermost first.
  private void holdParents(TreeEntry entry) {
    BytePath parent = entry.path().parent();
    while (!heldParents.isEmpty() && !heldParents.element().path().equals(parent)) {
      heldParents.pop();
    }
    if (entry.isDirectory()) {
      heldParents.push(entry);
    }
  }

  /** Brings one entry to disk, or has it sent; {@code id} is its number in the sender's list. */
  private void place(TreeEntry entry, int id) throws IOException, InterruptedException {
    while (oldEntry.isPresent()
        && TreeOrder.PATHS.compare(oldEntry.get().path(), entry.path()) < 0) {
      removeOld();
    }
    Optional<TreeEntry> old = oldEntry.filter(candidate -> candidate.path().equals(entry.path()));
    if (old.isPresent()) {
      if (old.get().isDirectory() && !entry.isDirectory()) {
        removeOld();
      } else {
        boolean same = options.trustMetadata() && old.get().sameMetadata(entry);
        nextOld();
        if (same && !(entry.isHardLink() && rewritten.contains(entry.linkname()))) {
          if (entry.isDirectory()) {
            directories.put(entry.path(), entry);
          }
          doubtful.unchanged(old.get(), entry, id);
          return;
        }
      }
    }
    if (entry.isDirectory()) {
      writer.directory(entry);
      directories.put(entry.path(), entry);
      touchedDirectories.put(entry.path(), entry);
      if (old.isEmpty() || !old.get().isDirectory()) {
        touchParent(entry.path());
      }
      changed(entry);
      return;
    }
    touchParent(entry.path());
    rewritten.add(entry.path());
    if (entry.isSymlink()) {
      writer.symlink(entry);
      changed(entry);
    } else if (entry.isSpecial() && !entry.isHardLink()) {
      writer.special(entry);
      changed(entry);
    } else if (entry.isHardLink()) {
      links.add(entry);
    } else {
      request(entry, id);
    }
  }

  private void request(TreeEntry entry, int id) throws InterruptedException {
    filesRequested++;
    incoming.put(id, new Incoming(new FileWorkers.File(entry, filesRequested)));
    unasked.add(id);
    askForMore();
  }

  private void requestDoubtful() throws InterruptedException {
    for (var file : doubtful.files().entrySet()) {
      touchParent(file.getValue().path());
      request(file.getValue(), file.getKey());
    }
    for (TreeEntry link : doubtful.links()) {
      touchParent(link.path());
      links.add(link);
    }
  }

  // Asking must never wait for the stream: a sender that waits for us to read would not read
  // either.
  private void askForMore() throws InterruptedException {
    while (asked < MAX_ASKED && !unasked.isEmpty()) {
      asked++;
      peer.send(new Packet.Request(unasked.poll()));
    }
  }

  private void changed(TreeEntry entry) {
    options.changes().ifPresent(changes -> changes.changed(entry, changes.hasher(entry).digest()));
  }

  private void touchParent(BytePath path) {
    BytePath parent = path.parent();
    TreeEntry directory = directories.get(parent);
    if (directory != null) {
      touchedDirectories.putIfAbsent(parent, directory);
    }
  }

  private void nextOld() throws SyscallException {
    if (existing != null) {
      oldEntry = existing.next();
    }
  }

  private void removeOld() throws SyscallException {
    BytePath path = oldEntry.orElseThrow().path();
    if (existing != null) {
      existing.skipChildren();
    }
    writer.remove(path);
    touchParent(path);
    options.changes().ifPresent(changes -> changes.removed(path));
    nextOld();
  }

  private void onEndOfEntries() throws IOException, InterruptedException {
    if (listed) {
      throw new BuildException(Kind.INVALID, "a second end of the list");
    }
    listed = true;
    while (oldEntry.isPresent()) {
      removeOld();
    }
    requestDoubtful();
    finishIfComplete();
  }

  private void onData(Packet.Data data) throws IOException, InterruptedException {
    Incoming file = incoming.get(data.id());
    if (file == null) {
      throw new BuildException(Kind.INVALID, "invalid file request " + data.id());
    }
    count(data.length());
    Packet.Data first = file.first;
    if (data.length() == 0) {
      incoming.remove(data.id());
      if (first == null) {
        workers.write(file.file, data.bytes(), 0, 0, true);
      } else {
        workers.write(file.file, first.bytes(), first.offset(), first.length(), true);
      }
      asked--;
      askForMore();
      finishIfComplete();
    } else if (first == null && !file.started && data.bytes().length <= MAX_HELD_PART) {
      file.first = data;
    } else {
      if (first != null) {
        workers.write(file.file, first.bytes(), first.offset(), first.length(), false);
        file.first = null;
      }
      file.started = true;
      workers.write(file.file, data.bytes(), data.offset(), data.length(), false);
    }
  }

  private void finishIfComplete() throws IOException, InterruptedException {
    if (!listed || !incoming.isEmpty()) {
      return;
    }
    workers.drain();
    if (workers.failure() instanceof IOException failure) {
      throw failure;
    }
    for (TreeEntry link : links) {
      writer.hardLink(link);
      changed(link);
    }
    if (options.onlyMetadata().isPresent()) {
      metadata.write(writer, options.changes());
    }
    for (TreeEntry directory : touchedDirectories.values()) {
      writer.directoryTime(directory);
    }
    peer.send(new Packet.Fin());
  }
}
