package dev.kiln.remotecache.graph;

import dev.kiln.model.Digest;
import dev.kiln.remotecache.graph.CacheConfig.About;
import dev.kiln.remotecache.graph.CacheConfig.Input;
import dev.kiln.remotecache.graph.CacheConfig.Layer;
import dev.kiln.remotecache.graph.CacheConfig.Pieces;
import dev.kiln.remotecache.graph.CacheConfig.Result;
import dev.kiln.remotecache.graph.CacheConfig.Top;
import dev.kiln.remotecache.graph.KeyGraph.Node;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** Turns a {@link KeyGraph} into its stored form: equal graphs give equal bytes. Stateless. */
public final class ConfigWriter {
  private ConfigWriter() {}

  /**
   * A cache with its layers.
   *
   * @param layers those of the config in its order
   */
  public record Written(CacheConfig config, List<ChainLayer> layers) {
    public Written {
      layers = List.copyOf(layers);
    }
  }

  /** The whole cache. */
  public static Written write(KeyGraph graph) {
    List<Node> nodes = Normalizer.normalize(graph);
    var places = new Places();
    nodes.forEach(node -> node.result().ifPresent(places::add));
    List<Place> order = places.sorted();
    var index = new IdentityHashMap<Place, Integer>();
    order.forEach(place -> index.put(place, index.size()));
    Set<Digest> ofSeveralTimes = ofSeveralTimes(order);
    var layers = new ArrayList<Layer>();
    for (Place place : order) {
      layers.add(
          new Layer(
              place.digest(),
              place
                  .parent()
                  .map(p -> index.getOrDefault(p, CacheConfig.NO_PARENT))
                  .orElse(CacheConfig.NO_PARENT),
              ofSeveralTimes.contains(place.digest())
                  ? Optional.of(About.of(place.layer().layer()))
                  : Optional.empty()));
    }
    List<CacheConfig.Record> records =
        records(
            nodes,
            chain ->
                Optional.of(new Top(index.getOrDefault(places.add(chain), 0), chain.createdAt())));
    return new Written(new CacheConfig(layers, records), order.stream().map(Place::layer).toList());
  }

  /** The blobs that several steps made: what stands with the blob is the time of one of them. */
  private static Set<Digest> ofSeveralTimes(List<Place> places) {
    var times = new HashMap<Digest, Instant>();
    var several = new HashSet<Digest>();
    for (Place place : places) {
      Instant time = times.putIfAbsent(place.digest(), place.createdAt());
      if (time != null && !time.equals(place.createdAt())) {
        several.add(place.digest());
      }
    }
    return several;
  }

  /**
   * The part of a cache whose results consist of an image's layers, told by their positions there;
   * empty where no result does.
   *
   * @param image packed layers of the image, bottom first
   */
  public static Optional<byte[]> writeInline(KeyGraph graph, List<dev.kiln.store.Layer> image) {
    var byBlob = new HashMap<Digest, List<Integer>>();
    for (int i = 0; i < image.size(); i++) {
      byBlob.computeIfAbsent(image.get(i).diffId(), d -> new ArrayList<>()).add(i);
    }
    for (int i = 0; i < image.size(); i++) {
      byBlob.computeIfAbsent(image.get(i).blob().digest(), d -> new ArrayList<>()).add(i);
    }
    List<Node> nodes =
        Normalizer.normalize(graph, chain -> within(chain, image, byBlob).isPresent());
    return nodes.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new CacheConfig(List.of(), records(nodes, chain -> within(chain, image, byBlob)))
                .recordsJson());
  }

  private static Optional<Result> within(
      Chain chain, List<dev.kiln.store.Layer> image, Map<Digest, List<Integer>> byBlob) {
    var positions = new ArrayList<Integer>();
    boolean inOrder = chain.layers().size() <= image.size();
    for (int i = 0; i < chain.layers().size(); i++) {
      dev.kiln.store.Layer layer = chain.layers().get(i).layer();
      List<Integer> same =
          byBlob.getOrDefault(
              layer.blob().digest(), byBlob.getOrDefault(layer.diffId(), List.of()));
      if (same.isEmpty()) {
        return Optional.empty();
      }
      positions.add(
          same.stream()
              .filter(at -> image.get(at).createdAt().equals(layer.createdAt()))
              .findFirst()
              .orElse(same.getLast()));
      inOrder &=
          i < image.size()
              && (image.get(i).blob().digest().equals(layer.blob().digest())
                  || image.get(i).diffId().equals(layer.diffId()));
    }
    return Optional.of(
        inOrder
            ? new Top(positions.size() - 1, chain.createdAt())
            : new Pieces(positions, chain.createdAt()));
  }

  private static List<CacheConfig.Record> records(
      List<Node> nodes, Function<Chain, Optional<Result>> results) {
    var index = new IdentityHashMap<Node, Integer>();
    nodes.forEach(node -> index.put(node, index.size()));
    var records = new ArrayList<CacheConfig.Record>();
    for (Node node : nodes) {
      List<List<Input>> inputs =
          node.inputs().stream()
              .map(links ->
                  links.stream()
                      .map(link -> new Input(link.selector(), index.getOrDefault(link.from(), 0)))
                      .sorted(
                          Comparator.comparingInt(Input::record)
                              .thenComparing(i -> i.selector().map(Digest::value).orElse("")))
                      .toList())
              .toList();
      records.add(
          new CacheConfig.Record(
              node.digest(), node.result().flatMap(results).stream().toList(), inputs));
    }
    return records;
  }

  /** A layer on those below it. Compared by identity. */
  private static final class Place {
    private final ChainLayer layer;
    private final Optional<Place> parent;
    private final Digest chain;

    Place(ChainLayer layer, Optional<Place> parent, Digest chain) {
      this.layer = layer;
      this.parent = parent;
      this.chain = chain;
    }

    ChainLayer layer() {
      return layer;
    }

    Optional<Place> parent() {
      return parent;
    }

    Digest digest() {
      return layer.layer().blob().digest();
    }

    Instant createdAt() {
      return layer.layer().createdAt();
    }
  }

  /** All layers, those of one time with the same ones below them once. */
  private static final class Places {
    private final Map<Digest, Place> byChain = new HashMap<>();

    Place add(Chain chain) {
      Optional<Place> below = Optional.empty();
      for (ChainLayer layer : chain.layers()) {
        Optional<Place> parent = below;
        Digest blob = layer.layer().blob().digest();
        Digest id =
            Digest.of(
                parent.map(p -> p.chain + " ").orElse("") + blob + " " + layer.layer().createdAt());
        below = Optional.of(byChain.computeIfAbsent(id, c -> new Place(layer, parent, id)));
      }
      return below.orElseThrow();
    }

    List<Place> sorted() {
      return byChain.values().stream()
          .sorted(Comparator.comparing(Place::digest).thenComparing(p -> p.chain))
          .toList();
    }
  }
}
