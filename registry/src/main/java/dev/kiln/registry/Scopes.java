package dev.kiln.registry;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Token scopes such as {@code repository:foo/bar:pull,push}, merged by resource. Immutable once
 * made. Source: distribution's token scope documentation.
 */
final class Scopes {
  private final SortedMap<String, SortedSet<String>> actions = new TreeMap<>();

  /** Each text may hold several scopes, set apart by spaces. */
  static Scopes of(Collection<String> texts) {
    var all = new Scopes();
    for (String text : texts) {
      for (String scope : text.split(" ")) {
        if (scope.isEmpty()) {
          continue;
        }
        // type:name:actions, where the name may hold a port's colon
        int first = scope.indexOf(':');
        int last = scope.lastIndexOf(':');
        boolean hasActions = last > first;
        String resource = hasActions ? scope.substring(0, last) : scope;
        SortedSet<String> of = all.actions.computeIfAbsent(resource, _ -> new TreeSet<>());
        if (hasActions) {
          of.addAll(Arrays.asList(scope.substring(last + 1).split(",")));
        }
      }
    }
    return all;
  }

  static String repository(String path, boolean push) {
    return "repository:" + path + (push ? ":pull,push" : ":pull");
  }

  boolean contains(Scopes wanted) {
    return wanted.actions.entrySet().stream()
        .allMatch(e ->
            actions.containsKey(e.getKey()) && actions.get(e.getKey()).containsAll(e.getValue()));
  }

  /** One text a resource, everything sorted. */
  List<String> texts() {
    var out = new ArrayList<String>();
    actions.forEach((resource, of) -> out.add(resource + ":" + String.join(",", of)));
    return out;
  }

  @Override
  public String toString() {
    return String.join(" ", texts());
  }
}
