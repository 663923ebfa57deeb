package dev.kiln.remotecache.graph;

import dev.kiln.remotecache.graph.KeyGraph.Link;
import dev.kiln.remotecache.graph.KeyGraph.Node;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Which keys lead to each other both ways: those get the same number. Tarjan's strongly connected
 * components with a stack of its own, so that a long chain does not overflow the thread's.
 */
final class Loops {
  private final Predicate<Node> within;
  private final Map<Node, Integer> component = new IdentityHashMap<>();
  private final Map<Node, Integer> index = new IdentityHashMap<>();
  private final Map<Node, Integer> low = new IdentityHashMap<>();
  private final List<Node> open = new ArrayList<>();
  private int components;

  private Loops(Predicate<Node> within) {
    this.within = within;
  }

  /** Numbers all of {@code nodes}; links from others do not count. */
  static Map<Node, Integer> of(Collection<Node> nodes, Predicate<Node> within) {
    var loops = new Loops(within);
    for (Node node : nodes) {
      if (!loops.index.containsKey(node)) {
        loops.visit(node);
      }
    }
    return loops.component;
  }

  private record Visit(Node node, Iterator<Node> sources) {}

  private Visit enter(Node node) {
    index.put(node, index.size());
    low.put(node, index.size() - 1);
    open.add(node);
    return new Visit(
        node,
        node.inputs().stream()
            .flatMap(links -> links.stream().map(Link::from))
            .filter(within)
            .iterator());
  }

  private int low(Node node) {
    return low.getOrDefault(node, Integer.MAX_VALUE);
  }

  private void visit(Node first) {
    var path = new ArrayDeque<Visit>();
    path.push(enter(first));
    while (!path.isEmpty()) {
      Visit at = path.element();
      if (at.sources().hasNext()) {
        Node source = at.sources().next();
        if (!index.containsKey(source)) {
          path.push(enter(source));
        } else if (!component.containsKey(source)) {
          low.put(
              at.node(), Math.min(low(at.node()), index.getOrDefault(source, Integer.MAX_VALUE)));
        }
        continue;
      }
      path.pop();
      if (!path.isEmpty()) {
        Node parent = path.element().node();
        low.put(parent, Math.min(low(parent), low(at.node())));
      }
      if (low(at.node()) == index.getOrDefault(at.node(), -1)) {
        close(at.node());
      }
    }
  }

  private void close(Node root) {
    Node member;
    do {
      member = open.removeLast();
      component.put(member, components);
    } while (member != root);
    components++;
  }
}
