package dev.kiln.remotecache.graph;

import dev.kiln.model.Digest;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Cache keys with what they are made from and their results, as they are found; doubles, loops and
 * dead ends are taken out by {@link Normalizer}. Confined to one thread.
 */
public final class KeyGraph {
  private final List<Node> nodes = new ArrayList<>();

  /** One key. Compared by identity. */
  public static final class Node {
    private final Digest digest;
    private final List<Set<Link>> inputs = new ArrayList<>();
    private Optional<Chain> result = Optional.empty();

    Node(Digest digest) {
      this.digest = digest;
    }

    Digest digest() {
      return digest;
    }

    /** By input, then by alternative. */
    List<Set<Link>> inputs() {
      return inputs;
    }

    Optional<Chain> result() {
      return result;
    }

    /** Says that there are so many inputs, though nothing may lead to some of them. */
    public void inputs(int count) {
      while (inputs.size() < count) {
        inputs.add(new LinkedHashSet<>());
      }
    }

    /** One way by which an input is known. */
    public void link(int input, Node from, Optional<Digest> selector) {
      inputs(input + 1);
      inputs.get(input).add(new Link(from, selector));
    }

    /** Gives the key a result; of several the newest stays. */
    public void result(Chain chain) {
      if (result.isEmpty() || result.get().createdAt().isBefore(chain.createdAt())) {
        result = Optional.of(chain);
      }
    }
  }

  /** A key of an input, and the part of the input that counts. */
  record Link(Node from, Optional<Digest> selector) {}

  /** A new key; {@code digest} is that of op and output together. */
  public Node add(Digest digest) {
    var node = new Node(digest);
    nodes.add(node);
    return node;
  }

  List<Node> nodes() {
    return nodes;
  }
}
