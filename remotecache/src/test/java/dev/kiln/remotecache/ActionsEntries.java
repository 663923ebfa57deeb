package dev.kiln.remotecache;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * What {@link ActionsServer} keeps: entries by branch, version and key, written once. Any thread.
 */
final class ActionsEntries {
  private final List<Entry> all = new ArrayList<>(); // oldest first; guarded by this

  /** One that was reserved. Its pieces are guarded by itself. */
  static final class Entry {
    final int id;
    final String branch;
    final String key;
    final String version;
    private final Map<Long, byte[]> chunks = new TreeMap<>();
    private Optional<byte[]> committed = Optional.empty();

    private Entry(int id, String branch, String key, String version) {
      this.id = id;
      this.branch = branch;
      this.key = key;
      this.version = version;
    }

    synchronized Optional<byte[]> bytes() {
      return committed;
    }

    /** Whether the chunk was taken: none is, once the entry is committed. */
    synchronized boolean write(long offset, byte[] chunk) {
      if (committed.isEmpty()) {
        chunks.put(offset, chunk.clone());
      }
      return committed.isEmpty();
    }

    /** Whether the chunks lie end to end and are as long as was said. */
    synchronized boolean commit(long sizeBytes) {
      long at = 0;
      for (var chunk : chunks.entrySet()) {
        if (chunk.getKey() != at) {
          return false;
        }
        at += chunk.getValue().length;
      }
      if (at != sizeBytes || committed.isPresent()) {
        return false;
      }
      byte[] whole = new byte[(int) at];
      chunks.forEach(
          (offset, chunk) -> System.arraycopy(chunk, 0, whole, offset.intValue(), chunk.length));
      committed = Optional.of(whole);
      return true;
    }
  }

  /** Empty where the key is taken in the branch. */
  synchronized Optional<Entry> reserve(String branch, String key, String version) {
    if (all.stream().anyMatch(e -> is(e, branch, version) && e.key.equals(key))) {
      return Optional.empty();
    }
    var entry = new Entry(all.size() + 1, branch, key, version);
    all.add(entry);
    return Optional.of(entry);
  }

  /** In the first branch that has one: the entry of this key, or else the newest that begins so. */
  synchronized Optional<Entry> find(List<String> branches, List<String> keys, String version) {
    return branches.stream()
        .flatMap(branch ->
            keys.stream()
                .flatMap(key ->
                    all.stream()
                        .filter(e -> is(e, branch, version) && e.bytes().isPresent())
                        .filter(e -> e.key.startsWith(key))
                        .sorted(
                            Comparator.comparing((Entry e) -> !e.key.equals(key))
                                .thenComparing(e -> -e.id))
                        .limit(1)))
        .findFirst();
  }

  private static boolean is(Entry entry, String branch, String version) {
    return entry.branch.equals(branch) && entry.version.equals(version);
  }

  synchronized Optional<Entry> byId(int id) {
    return id < 1 || id > all.size() ? Optional.empty() : Optional.of(all.get(id - 1));
  }

  synchronized List<Entry> all() {
    return List.copyOf(all);
  }

  /** Those that are committed. */
  synchronized List<Entry> committed() {
    return all.stream().filter(e -> e.bytes().isPresent()).toList();
  }

  synchronized Stream<Entry> listed(String branch, String prefix) {
    return committed().stream().filter(e -> e.branch.equals(branch) && e.key.startsWith(prefix));
  }
}
