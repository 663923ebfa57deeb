package dev.kiln.actors;

import dev.kiln.actors.CacheStore.AddLink;
import dev.kiln.actors.CacheStore.AddResult;
import dev.kiln.actors.CacheStore.Change;
import dev.kiln.actors.CacheStore.DropResult;
import dev.kiln.model.Digest;
import dev.kiln.model.KeyDigest;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * One cache's key graph in memory: the local one, or an imported one. Keys have ids here; a link
 * leads from the key of an input to the key of an output (features V-28), and a key may have
 * records. Any thread: readers take no lock and see sets that never change; writers take turns.
 */
public final class CacheTable {
  /** A key as an id of one table. */
  record KeyRef(CacheTable table, String id) {}

  /** What a key remembers of its id here: nothing found holds until the table changes. */
  record Known(Optional<String> id, long version) {}

  /** One link backwards: from which key, and how. */
  public record Backlink(String from, CacheLink link) {}

  private record From(String id, CacheLink link) {}

  private final String id;
  private final ResultLoader loader;
  private final Consumer<Change> changes;
  private final Map<From, Set<String>> links = new ConcurrentHashMap<>();
  private final Map<String, Set<Backlink>> backlinks = new ConcurrentHashMap<>();
  private final Map<String, Set<CacheLink>> outgoing = new ConcurrentHashMap<>();
  private final Map<String, List<CacheRecord>> records = new ConcurrentHashMap<>();
  private final Map<String, Set<String>> keysByRecord = new ConcurrentHashMap<>();
  private final AtomicLong version = new AtomicLong();
  private final boolean outside;

  private CacheTable(String id, ResultLoader loader, boolean outside, Consumer<Change> changes) {
    this.id = id;
    this.loader = loader;
    this.outside = outside;
    this.changes = changes;
  }

  CacheTable(String id, ResultLoader loader, Consumer<Change> changes) {
    this(id, loader, false, changes);
  }

  /**
   * An empty table for a cache from outside, which does not tell op and output apart ({@link
   * CacheLink#outside}). It keeps nothing on disk.
   *
   * @param id equal for caches of the same place, so that none is asked twice
   */
  public static CacheTable imported(String id, ResultLoader loader) {
    return new CacheTable(id, loader, true, change -> {});
  }

  public String id() {
    return id;
  }

  /** What makes this cache's records usable. */
  public ResultLoader loader() {
    return loader;
  }

  /** Adds a link between two keys by their ids. */
  public void addLink(String from, CacheLink link, String to) {
    if (put(from, link, to)) {
      changes.accept(new AddLink(from, link, to));
    }
  }

  /** Gives a key a record. */
  public void addResult(String key, CacheRecord record) {
    if (put(key, record)) {
      changes.accept(new AddResult(key, record));
    }
  }

  /** Fills the table without passing the changes on. */
  void fill(CacheStore.Contents contents) {
    contents.links().forEach(l -> put(l.from(), l.link(), l.to()));
    contents.results().forEach(r -> put(r.key(), r.record()));
  }

  private synchronized boolean put(String from, CacheLink given, String to) {
    CacheLink link = outside ? given.outside() : given;
    Set<String> before = links.getOrDefault(new From(from, link), Set.of());
    if (before.contains(to)) {
      return false;
    }
    links.put(new From(from, link), with(before, to));
    outgoing.computeIfAbsent(from, f -> ConcurrentHashMap.newKeySet()).add(link);
    backlinks.computeIfAbsent(to, t -> ConcurrentHashMap.newKeySet()).add(new Backlink(from, link));
    version.incrementAndGet();
    return true;
  }

  private synchronized boolean put(String key, CacheRecord record) {
    List<CacheRecord> before = records.getOrDefault(key, List.of());
    if (before.stream().anyMatch(r -> r.id().equals(record.id()))) {
      return false;
    }
    var after = new ArrayList<>(before);
    after.add(record);
    after.sort(Comparator.comparing(CacheRecord::createdAt).reversed());
    records.put(key, List.copyOf(after));
    keysByRecord.computeIfAbsent(record.id(), r -> ConcurrentHashMap.newKeySet()).add(key);
    version.incrementAndGet();
    return true;
  }

  /** Forgets a result that is gone, and the keys that lead nowhere without it. */
  void drop(String recordId) {
    boolean known;
    synchronized (this) {
      Set<String> keys = keysByRecord.remove(recordId);
      known = keys != null;
      if (keys != null) {
        for (String key : keys) {
          var left =
              records.getOrDefault(key, List.of()).stream()
                  .filter(r -> !r.id().equals(recordId))
                  .toList();
          if (left.isEmpty()) {
            records.remove(key);
          } else {
            records.put(key, left);
          }
          prune(key);
        }
        version.incrementAndGet();
      }
    }
    if (known) {
      changes.accept(new DropResult(recordId));
    }
  }

  /** Removes a key without records and outgoing links, and then what led only to it. */
  private void prune(String first) {
    var queue = new ArrayList<String>(List.of(first));
    while (!queue.isEmpty()) {
      String key = queue.removeLast();
      if (exists(key)) {
        continue;
      }
      Set<Backlink> from = backlinks.remove(key);
      if (from == null) {
        continue;
      }
      for (Backlink back : from) {
        var place = new From(back.from(), back.link());
        Set<String> left = new HashSet<>(links.getOrDefault(place, Set.of()));
        left.remove(key);
        if (!left.isEmpty()) {
          links.put(place, Set.copyOf(left));
          continue;
        }
        links.remove(place);
        Set<CacheLink> out = outgoing.get(back.from());
        if (out != null) {
          out.remove(back.link());
          if (out.isEmpty()) {
            outgoing.remove(back.from());
            queue.add(back.from());
          }
        }
      }
    }
  }

  /** Whether a key leads anywhere or has a record. */
  public boolean exists(String key) {
    return records.containsKey(key) || outgoing.containsKey(key);
  }

  /** The keys that {@code from} leads to by {@code link}. */
  Set<String> targets(String from, CacheLink link) {
    return links.getOrDefault(new From(from, outside ? link.outside() : link), Set.of());
  }

  /** The key's records, newest first. */
  public List<CacheRecord> records(String key) {
    return records.getOrDefault(key, List.of());
  }

  /** Every way by which a key is reached, for a cache export. */
  public Set<Backlink> backlinks(String key) {
    return Set.copyOf(backlinks.getOrDefault(key, Set.of()));
  }

  /** The keys that have this record, for a cache export. */
  public Set<String> keysOf(String recordId) {
    return Set.copyOf(keysByRecord.getOrDefault(recordId, Set.of()));
  }

  /** What this cache calls {@code key}, where it knows it. */
  public Optional<String> idOf(CacheKey key) {
    long now = version.get();
    bottomUp(
        key,
        at -> isSettled(at, now),
        at -> {
          Optional<String> found =
              at.isRoot() ? Optional.of(at.rootId().value()) : byDeps(at).stream().findFirst();
          at.ids().put(this, new Known(found, now));
        });
    return known(key);
  }

  /** The id that was found last. */
  private Optional<String> known(CacheKey key) {
    Known known = key.ids().get(this);
    return known == null ? Optional.empty() : known.id();
  }

  private boolean isSettled(CacheKey key, long now) {
    Known known = key.ids().get(this);
    return known != null && (known.id().isPresent() || known.version() >= now);
  }

  /** A key on the way down, and what of its inputs is still to be looked at. */
  private record Open(CacheKey key, Iterator<CacheKey.Dep> deps) {
    static Open of(CacheKey key) {
      return new Open(key, key.deps().stream().flatMap(List::stream).iterator());
    }
  }

  /**
   * Calls {@code make} for {@code top} and all keys below that are not done, each once and inputs
   * first. The chain of keys is as long as that of a definition's steps.
   */
  private static void bottomUp(CacheKey top, Predicate<CacheKey> isDone, Consumer<CacheKey> make) {
    if (isDone.test(top)) {
      return;
    }
    var seen = new HashSet<>(Set.of(top)); // keys are compared by identity
    var way = new ArrayDeque<>(List.of(Open.of(top)));
    while (!way.isEmpty()) {
      Open at = way.element();
      if (at.deps().hasNext()) {
        CacheKey next = at.deps().next().key();
        if (!isDone.test(next) && seen.add(next)) {
          way.push(Open.of(next));
        }
      } else {
        make.accept(at.key());
        way.pop();
      }
    }
  }

  /** Says what this cache calls {@code key}. */
  void learn(CacheKey key, String keyId) {
    key.ids().put(this, new Known(Optional.of(keyId), 0));
  }

  /** The keys that every input leads to by one of its alternatives; sorted. */
  private TreeSet<String> byDeps(CacheKey key) {
    var found = new TreeSet<String>();
    for (int i = 0; i < key.deps().size(); i++) {
      var reached = new HashSet<String>();
      for (CacheKey.Dep dep : key.deps().get(i)) {
        Optional<String> from = known(dep.key());
        if (from.isPresent()) {
          reached.addAll(
              targets(from.get(), new CacheLink(i, key.digest(), key.output(), dep.selector())));
        }
      }
      if (i == 0) {
        found.addAll(reached);
      } else {
        found.retainAll(reached);
      }
      if (found.isEmpty()) {
        break;
      }
    }
    return found;
  }

  /**
   * Records a result under a key, and links the key to all that it is made from.
   *
   * @return the key's id here
   */
  String save(CacheKey key, CacheRecord record) {
    String keyId = persist(key);
    addResult(keyId, record);
    return keyId;
  }

  private String persist(CacheKey key) {
    bottomUp(key, at -> at != key && isPersisted(at), this::link);
    return idOf(key).orElseThrow();
  }

  /** Whether a key is known and leads somewhere: it was linked when it was saved or found. */
  private boolean isPersisted(CacheKey key) {
    return idOf(key).filter(keyId -> key.isRoot() || exists(keyId)).isPresent();
  }

  /** Links a key to what it is made from, which has ids. */
  private void link(CacheKey key) {
    if (key.isRoot()) {
      return;
    }
    Optional<String> known = idOf(key);
    var fromIds = new ArrayList<List<String>>();
    for (List<CacheKey.Dep> alternatives : key.deps()) {
      fromIds.add(alternatives.stream().map(dep -> idOf(dep.key()).orElseThrow()).toList());
    }
    String keyId = known.orElseGet(() -> newId(key, fromIds));
    for (int i = 0; i < key.deps().size(); i++) {
      for (int j = 0; j < key.deps().get(i).size(); j++) {
        var link =
            new CacheLink(i, key.digest(), key.output(), key.deps().get(i).get(j).selector());
        addLink(fromIds.get(i).get(j), link, keyId);
      }
    }
    learn(key, keyId);
  }

  /** An id for a key that no cache told: made from its parts, so that equal keys get equal ids. */
  private static String newId(CacheKey key, List<List<String>> fromIds) {
    MessageDigest hash = Digest.sha256();
    update(hash, key.digest().value() + "@" + key.output());
    for (int i = 0; i < fromIds.size(); i++) {
      if (!fromIds.get(i).isEmpty()) {
        String selector = key.deps().get(i).getFirst().selector().map(Digest::value).orElse("");
        update(hash, "|" + i + ":" + selector + ":" + fromIds.get(i).getFirst());
      }
    }
    return Digest.ofHash(hash.digest()).hex();
  }

  private static void update(MessageDigest hash, String text) {
    hash.update(text.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Where keys of an input lead: the keys of outputs that some of {@code deps} is linked to. What
   * one of them reaches is reached by all from now on, as they are keys of the same thing.
   */
  Collection<KeyRef> probe(List<CacheKey.Dep> deps, int input, KeyDigest digest, int output) {
    var all = new TreeSet<String>();
    boolean differ = false;
    for (CacheKey.Dep dep : deps) {
      Optional<String> from = idOf(dep.key());
      if (from.isPresent()) {
        Set<String> reached =
            targets(from.get(), new CacheLink(input, digest, output, dep.selector()));
        differ |= !all.isEmpty() && !all.equals(reached) || all.isEmpty() && deps.size() > 1;
        all.addAll(reached);
      }
    }
    if (differ && !all.isEmpty()) {
      for (CacheKey.Dep dep : deps) {
        Optional<String> from = idOf(dep.key());
        var link = new CacheLink(input, digest, output, dep.selector());
        if (from.isPresent()) {
          for (String to : all) {
            addLink(from.get(), link, to);
          }
        }
      }
    }
    return all.stream().map(to -> new KeyRef(this, to)).toList();
  }

  private static Set<String> with(Set<String> before, String more) {
    if (before.isEmpty()) {
      return Set.of(more);
    }
    var after = new HashSet<>(before);
    after.add(more);
    return Set.copyOf(after);
  }

  @Override
  public String toString() {
    return "CacheTable[" + id + ", " + records.size() + " keys with records]";
  }
}
