package dev.kiln.actors;

import akka.actor.typed.ActorRef;
import dev.kiln.llb.Edge;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What an edge is known by: to the graph while it is built, to caches once it is. Pure. */
final class Claims {
  private Claims() {}

  /**
   * One way by which an input is known: as the edge that makes it, by its content, or by a key of
   * the local cache. The last makes equal what one build made and another one found there.
   */
  record Token(String text) {}

  static VertexGraph.Claim claim(
      VertexScope scope,
      int output,
      EdgeState state,
      List<CacheMap> maps,
      List<InputInterests.Ref> inputs,
      CacheTable cache,
      ActorRef<VertexActor.Command> replyTo) {
    var tokens = new ArrayList<List<Token>>();
    for (int i = 0; i < inputs.size(); i++) {
      Edge edge = inputs.get(i).edge();
      var of = new ArrayList<Token>();
      String selector = dep(maps, i).selector().map(s -> "/" + s).orElse("");
      of.add(new Token(edge.vertex() + "#" + edge.index() + selector));
      for (CacheKey key : state.inputs().get(i).keysByDefinition()) {
        cache.idOf(key).ifPresent(id -> of.add(new Token("key " + id + selector)));
      }
      state.inputs().get(i).contentKey().ifPresent(k -> of.add(new Token(k.digest().value())));
      tokens.add(of);
    }
    return new VertexGraph.Claim(
        new Edge(scope.vertex().digest(), output),
        state.maps().stream().map(CacheMap::digest).toList(),
        tokens,
        replyTo);
  }

  /** The keys under which a result of this edge is saved. */
  static List<CacheKey> resultKeys(
      VertexScope scope, int output, EdgeState state, List<CacheMap> maps) {
    var deps = new ArrayList<List<CacheKey.Dep>>();
    for (int i = 0; i < state.inputs().size(); i++) {
      deps.add(state.inputs().get(i).deps(dep(maps, i).selector()));
    }
    var export =
        new CacheKey.Export(
            Optional.of(scope.vertex().digest()),
            scope.vertex().options().exportCache(),
            List.of());
    List<CacheKey> keys =
        state.maps().stream().map(map -> new CacheKey(map.digest(), output, deps)).toList();
    keys.forEach(key -> key.export(export));
    return keys;
  }

  private static CacheMap.Dep dep(List<CacheMap> maps, int input) {
    List<CacheMap.Dep> deps = maps.getFirst().deps();
    return input < deps.size() ? deps.get(input) : CacheMap.Dep.PLAIN;
  }
}
