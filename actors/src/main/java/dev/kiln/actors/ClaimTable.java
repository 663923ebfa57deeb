package dev.kiln.actors;

import dev.kiln.llb.Edge;
import dev.kiln.model.Digest;
import dev.kiln.model.KeyDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The edges that are built or loaded now, by all the ways by which they are known; equal claims
 * find each other here (features V-03, V-04). Decides by what it was told alone; one thread at a
 * time.
 */
final class ClaimTable {
  /** A way by which an edge is known: its key's digest, and one way by which an input is. */
  private record Known(KeyDigest digest, int output, int input, String token) {
    static Known root(KeyDigest digest, int output) {
      return new Known(digest, output, -1, "");
    }
  }

  private final Map<Known, Set<Edge>> edges = new HashMap<>();
  private final Map<Digest, List<Known>> byVertex = new HashMap<>();

  /** {@code owner} is known by all ways of the claim from now on. */
  void add(VertexGraph.Claim claim, Edge owner) {
    List<Known> ways = byVertex.computeIfAbsent(owner.vertex(), _ -> new ArrayList<>());
    for (Known known : known(claim)) {
      if (edges.computeIfAbsent(known, _ -> new LinkedHashSet<>()).add(owner)) {
        ways.add(known);
      }
    }
  }

  /** Forgets the edges of a vertex. */
  void remove(Digest vertex) {
    List<Known> ways = byVertex.remove(vertex);
    if (ways == null) {
      return;
    }
    for (Known known : ways) {
      Set<Edge> left = edges.get(known);
      if (left != null) {
        left.removeIf(edge -> edge.vertex().equals(vertex));
        if (left.isEmpty()) {
          edges.remove(known);
        }
      }
    }
  }

  /** The edges that are known by one of the ways for each input, in the order of their claims. */
  Set<Edge> equal(VertexGraph.Claim claim) {
    var equal = new LinkedHashSet<Edge>();
    int output = claim.edge().index();
    for (KeyDigest digest : claim.digests()) {
      equal.addAll(
          claim.inputs().isEmpty()
              ? edges.getOrDefault(Known.root(digest, output), Set.of())
              : common(digest, output, claim.inputs()));
    }
    return equal;
  }

  private Set<Edge> common(KeyDigest digest, int output, List<List<Claims.Token>> inputs) {
    var common = new LinkedHashSet<Edge>();
    for (int i = 0; i < inputs.size(); i++) {
      var some = new LinkedHashSet<Edge>();
      for (Claims.Token token : inputs.get(i)) {
        some.addAll(edges.getOrDefault(new Known(digest, output, i, token.text()), Set.of()));
      }
      if (i == 0) {
        common.addAll(some);
      } else {
        common.retainAll(some);
      }
      if (common.isEmpty()) {
        break;
      }
    }
    return common;
  }

  private static List<Known> known(VertexGraph.Claim claim) {
    var all = new ArrayList<Known>();
    int output = claim.edge().index();
    for (KeyDigest digest : claim.digests()) {
      if (claim.inputs().isEmpty()) {
        all.add(Known.root(digest, output));
      }
      for (int i = 0; i < claim.inputs().size(); i++) {
        for (Claims.Token token : claim.inputs().get(i)) {
          all.add(new Known(digest, output, i, token.text()));
        }
      }
    }
    return all;
  }
}
