package dev.kiln.remotecache.graph;

import dev.kiln.model.Digest;
import dev.kiln.remotecache.graph.KeyGraph.Link;
import dev.kiln.remotecache.graph.KeyGraph.Node;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Makes of a {@link KeyGraph} one where each key stands once, can be reached from keys without
 * inputs, leads to a result or has one, and leads nowhere back to itself. Each step takes time in
 * proportion to keys and links. Pure: the given graph stays as it is.
 *
 * <p>Two keys of one digest are the same key where every input of both is reached by a common way;
 * then their ways are put together. That is what a lookup would find (features V-28).
 */
final class Normalizer {
  private Normalizer() {}

  /** Keys, each after all that lead to it; equal graphs give equal lists. */
  static List<Node> normalize(KeyGraph graph) {
    return normalize(graph, result -> true);
  }

  /** The same with such results only. */
  static List<Node> normalize(KeyGraph graph, Predicate<Chain> results) {
    List<Node> merged = merge(acyclic(graph.nodes(), results));
    return sorted(useful(acyclic(merged, results)));
  }

  /**
   * Copies of the keys that can be reached, each after all that lead to it. Of a loop, links stay
   * that lead from a key reached earlier to one reached later.
   */
  private static List<Node> acyclic(List<Node> nodes, Predicate<Chain> results) {
    Map<Node, Integer> reached = reached(nodes);
    Map<Node, Integer> loops = Loops.of(reached.keySet(), reached::containsKey);
    var copies = new IdentityHashMap<Node, Node>();
    reached.keySet().forEach(node -> copies.put(node, copy(node, results)));
    for (Node node : nodes) {
      if (!reached.containsKey(node)) {
        continue;
      }
      Node copy = get(copies, node);
      for (int i = 0; i < node.inputs().size(); i++) {
        for (Link link : node.inputs().get(i)) {
          if (reached.containsKey(link.from())
              && (!get(loops, link.from()).equals(get(loops, node))
                  || get(reached, link.from()) < get(reached, node))) {
            copy.link(i, get(copies, link.from()), link.selector());
          }
        }
      }
    }
    List<Node> all = nodes.stream().filter(reached::containsKey).map(n -> get(copies, n)).toList();
    return topological(all);
  }

  private static Node copy(Node node, Predicate<Chain> results) {
    var copy = new Node(node.digest());
    copy.inputs(node.inputs().size());
    node.result().filter(results).ifPresent(copy::result);
    return copy;
  }

  /** When each key is first reached: as soon as every input has some way that is. */
  private static Map<Node, Integer> reached(List<Node> nodes) {
    var missing = new IdentityHashMap<Node, Set<Integer>>();
    var leadsTo = leadsTo(nodes);
    var reached = new IdentityHashMap<Node, Integer>();
    var queue = new ArrayDeque<Node>();
    for (Node node : nodes) {
      var open = new LinkedHashSet<Integer>();
      for (int i = 0; i < node.inputs().size(); i++) {
        open.add(i);
      }
      missing.put(node, open);
      if (open.isEmpty()) {
        reached.put(node, reached.size());
        queue.add(node);
      }
    }
    while (!queue.isEmpty()) {
      Node from = queue.poll();
      for (Step step : leadsTo.getOrDefault(from, List.of())) {
        Set<Integer> open = get(missing, step.to());
        if (open.remove(step.input()) && open.isEmpty()) {
          reached.put(step.to(), reached.size());
          queue.add(step.to());
        }
      }
    }
    return reached;
  }

  private record Step(Node to, int input) {}

  private static Map<Node, List<Step>> leadsTo(List<Node> nodes) {
    var leadsTo = new IdentityHashMap<Node, List<Step>>();
    for (Node node : nodes) {
      for (int i = 0; i < node.inputs().size(); i++) {
        for (Link link : node.inputs().get(i)) {
          leadsTo.computeIfAbsent(link.from(), f -> new ArrayList<>()).add(new Step(node, i));
        }
      }
    }
    return leadsTo;
  }

  /** The keys of a graph without loops, each after all that lead to it. */
  private static List<Node> topological(List<Node> nodes) {
    var open = new IdentityHashMap<Node, Integer>();
    var leadsTo = leadsTo(nodes);
    var queue = new ArrayDeque<Node>();
    for (Node node : nodes) {
      int count = node.inputs().stream().mapToInt(Set::size).sum();
      open.put(node, count);
      if (count == 0) {
        queue.add(node);
      }
    }
    var order = new ArrayList<Node>(nodes.size());
    while (!queue.isEmpty()) {
      Node node = queue.poll();
      order.add(node);
      for (Step step : leadsTo.getOrDefault(node, List.of())) {
        if (open.merge(step.to(), -1, Integer::sum) == 0) {
          queue.add(step.to());
        }
      }
    }
    return order;
  }

  private record Way(Node from, int input, Digest digest, Optional<Digest> selector) {}

  /** Puts equal keys together; {@code nodes} come in topological order. */
  private static List<Node> merge(List<Node> nodes) {
    var same = new IdentityHashMap<Node, Node>();
    var roots = new HashMap<Digest, Node>();
    var byWay = new HashMap<Way, Set<Node>>();
    var all = new ArrayList<Node>();
    for (Node node : nodes) {
      Optional<Node> known =
          node.inputs().isEmpty()
              ? Optional.ofNullable(roots.get(node.digest()))
              : known(node, same, byWay);
      Node target = known.orElseGet(() -> new Node(node.digest()));
      if (known.isEmpty()) {
        all.add(target);
        if (node.inputs().isEmpty()) {
          roots.put(node.digest(), target);
        }
      }
      same.put(node, target);
      node.result().ifPresent(target::result);
      for (int i = 0; i < node.inputs().size(); i++) {
        for (Link link : node.inputs().get(i)) {
          Node from = get(same, link.from());
          target.link(i, from, link.selector());
          byWay
              .computeIfAbsent(
                  new Way(from, i, node.digest(), link.selector()), w -> new LinkedHashSet<>())
              .add(target);
        }
      }
    }
    return all;
  }

  private static Optional<Node> known(Node node, Map<Node, Node> same, Map<Way, Set<Node>> byWay) {
    var common = new LinkedHashSet<Node>();
    for (int i = 0; i < node.inputs().size(); i++) {
      var reached = new LinkedHashSet<Node>();
      for (Link link : node.inputs().get(i)) {
        reached.addAll(
            byWay.getOrDefault(
                new Way(get(same, link.from()), i, node.digest(), link.selector()), Set.of()));
      }
      if (i == 0) {
        common.addAll(reached);
      } else {
        common.retainAll(reached);
      }
      if (common.isEmpty()) {
        return Optional.empty();
      }
    }
    return common.stream().filter(n -> n.inputs().size() == node.inputs().size()).findFirst();
  }

  /** The keys that have a result or lead to one. */
  private static List<Node> useful(List<Node> nodes) {
    Set<Node> useful = Collections.newSetFromMap(new IdentityHashMap<>());
    for (Node node : nodes.reversed()) {
      if (node.result().isPresent()) {
        useful.add(node);
      }
      if (useful.contains(node)) {
        node.inputs().forEach(links -> links.forEach(link -> useful.add(link.from())));
      }
    }
    return nodes.stream().filter(useful::contains).toList();
  }

  /** Sorted by digest, equal ones by what they are made from; not in topological order. */
  private static List<Node> sorted(List<Node> nodes) {
    var shapes = new IdentityHashMap<Node, String>();
    for (Node node : nodes) {
      var shape = new StringBuilder(node.digest().value());
      for (Set<Link> links : node.inputs()) {
        shape.append('[');
        links.stream()
            .map(link ->
                link.selector().map(Digest::value).orElse("") + "<" + get(shapes, link.from()))
            .sorted()
            .forEach(text -> shape.append(text).append(','));
        shape.append(']');
      }
      node.result()
          .ifPresent(
              chain -> chain.layers().forEach(l -> shape.append(l.layer().blob().digest().hex())));
      shapes.put(node, Digest.of(shape.toString()).hex());
    }
    return nodes.stream()
        .sorted(Comparator.comparing(Node::digest).thenComparing(node -> get(shapes, node)))
        .toList();
  }

  private static <V> V get(Map<Node, V> map, Node node) {
    V value = map.get(node);
    if (value == null) {
      throw new IllegalStateException("a key that is not part of the graph: " + node.digest());
    }
    return value;
  }
}
