package dev.kiln.actors;

import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Who is next: builds take turns, and within a build it is who came first. What several builds wait
 * for is next at the turn of any of them. Decides by what it was told alone; one thread at a time.
 */
final class FairQueue<T> {
  /** By build, the one whose turn is next first; none is empty. */
  private final Map<String, Set<T>> turns = new LinkedHashMap<>();

  private final Map<T, Set<String>> waiting = new LinkedHashMap<>();

  /** Adds {@code item} behind all that the builds wait for. */
  void add(T item, Collection<String> builds) {
    waiting.put(item, Set.of());
    builds(item, builds);
  }

  /** Says which builds wait for {@code item} now; one that is not in the queue is passed over. */
  void builds(T item, Collection<String> builds) {
    Set<String> before = waiting.get(item);
    if (before == null) {
      return;
    }
    Set<String> now = builds.isEmpty() ? Set.of("") : new LinkedHashSet<>(builds);
    before.stream().filter(b -> !now.contains(b)).forEach(b -> removeFrom(b, item));
    now.stream()
        .filter(b -> !before.contains(b))
        .forEach(b -> turns.computeIfAbsent(b, _ -> new LinkedHashSet<>()).add(item));
    waiting.put(item, now);
  }

  /** Takes {@code item} out; false where it is not in the queue. */
  boolean remove(T item) {
    Set<String> builds = waiting.remove(item);
    if (builds == null) {
      return false;
    }
    builds.forEach(b -> removeFrom(b, item));
    return true;
  }

  private void removeFrom(String build, T item) {
    Set<T> items = turns.get(build);
    if (items != null && items.remove(item) && items.isEmpty()) {
      turns.remove(build);
    }
  }

  /** Who is next, and at whose turn. */
  record Next<T>(String build, T item) {}

  /** Takes out who is next. */
  Optional<Next<T>> next() {
    return next(_ -> true);
  }

  /** Takes out who is next of the builds that may have a turn now. */
  Optional<Next<T>> next(Predicate<String> mayHave) {
    Optional<String> first = turns.keySet().stream().filter(mayHave).findFirst();
    if (first.isEmpty()) {
      return Optional.empty();
    }
    String build = first.get();
    T item = turns.getOrDefault(build, Set.of()).iterator().next();
    remove(item);
    Set<T> rest = turns.remove(build);
    if (rest != null) {
      turns.put(build, rest); // behind the others
    }
    return Optional.of(new Next<>(build, item));
  }

  int size() {
    return waiting.size();
  }

  /** All that wait, in the order in which they are next if nothing changes. */
  List<T> order() {
    List<Iterator<T>> rounds = turns.values().stream().map(Set::iterator).toList();
    var all = new LinkedHashSet<T>();
    while (all.size() < waiting.size()) {
      rounds.forEach(items -> addNext(items, all));
    }
    return List.copyOf(all);
  }

  /** The first that no build had its turn for. */
  private static <T> void addNext(Iterator<T> items, Set<T> to) {
    boolean added = false;
    while (!added && items.hasNext()) {
      added = to.add(items.next());
    }
  }
}
