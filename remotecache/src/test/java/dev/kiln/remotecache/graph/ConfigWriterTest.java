package dev.kiln.remotecache.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.MediaTypes;
import dev.kiln.remotecache.graph.KeyGraph.Node;
import dev.kiln.store.Layer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class ConfigWriterTest {
  private static final Instant TIME = Instant.parse("2026-01-02T03:04:05Z");
  private final KeyGraph graph = new KeyGraph();

  private static Layer layer(String name) {
    return new Layer(
        new Descriptor(MediaTypes.OCI_LAYER_GZIP, Digest.of("blob " + name), 10),
        Digest.of("diff " + name),
        TIME,
        "",
        new TreeSet<>());
  }

  private static Chain chain(Layer... layers) {
    return new Chain(
        Arrays.stream(layers).map(l -> new ChainLayer(l, progress -> {})).toList(), TIME);
  }

  private static Chain chain(String... names) {
    return new Chain(
        Arrays.stream(names).map(n -> new ChainLayer(layer(n), progress -> {})).toList(), TIME);
  }

  private Node key(String name, Node... inputs) {
    Node node = graph.add(Digest.of(name));
    for (int i = 0; i < inputs.length; i++) {
      node.link(i, inputs[i], Optional.empty());
    }
    return node;
  }

  private CacheConfig written() {
    return ConfigWriter.write(graph).config();
  }

  private static CacheConfig.Record record(CacheConfig config, String name) {
    return config.records().stream()
        .filter(r -> r.digest().equals(Digest.of(name)))
        .findFirst()
        .orElseThrow();
  }

  private static List<String> names(CacheConfig config, String... among) {
    return Arrays.stream(among)
        .filter(n -> config.records().stream().anyMatch(r -> r.digest().equals(Digest.of(n))))
        .toList();
  }

  @Test
  void aChainOfKeysKeepsItsLayersAndLinks() {
    Node root = key("root");
    Node a = key("a", root);
    a.result(chain("1", "2"));
    key("b", a).result(chain("1", "2", "3"));
    CacheConfig config = written();
    assertThat(config.layers()).hasSize(3);
    assertThat(config.blobs(record(config, "b").results().getFirst()))
        .containsExactly(Digest.of("blob 1"), Digest.of("blob 2"), Digest.of("blob 3"));
    int link = record(config, "b").inputs().getFirst().getFirst().record();
    assertThat(config.records().get(link).digest()).isEqualTo(Digest.of("a"));
    assertThat(CacheConfig.parse(config.toJson())).isEqualTo(config);
  }

  @Test
  void equalKeysBecomeOneWithTheWaysOfBoth() {
    Node root = key("root");
    Node other = key("other root");
    Node first = key("a", root);
    Node second = key("a", root);
    second.link(0, other, Optional.empty());
    second.result(chain("1"));
    key("b", first).result(chain("1", "2"));
    key("b", second);
    CacheConfig config = written();
    assertThat(config.records()).hasSize(4);
    assertThat(record(config, "a").inputs().getFirst()).hasSize(2);
    assertThat(record(config, "a").results()).hasSize(1);
  }

  @Test
  void keysOfOneDigestWithNothingInCommonStayApart() {
    key("a", key("root")).result(chain("1"));
    key("a", key("other root")).result(chain("2"));
    assertThat(written().records()).hasSize(4);
  }

  @Test
  void aLoopLosesTheLinkThatClosesIt() {
    Node a = key("a", key("root"));
    Node b = key("b", a);
    a.link(0, b, Optional.empty());
    b.result(chain("1"));
    CacheConfig config = written();
    assertThat(config.records()).hasSize(3);
    assertThat(record(config, "a").inputs().getFirst()).hasSize(1);
    assertThat(record(config, "b").inputs().getFirst()).hasSize(1);
  }

  @Test
  void aLoopThatNothingLeadsIntoIsLeftOut() {
    Node a = key("a");
    Node b = key("b", a);
    a.link(0, b, Optional.empty());
    b.result(chain("1"));
    key("c", key("root")).result(chain("2"));
    assertThat(names(written(), "a", "b", "c", "root")).containsExactly("c", "root");
  }

  @Test
  void keysThatNeedSomethingUnknownAreLeftOut() {
    Node a = key("a", key("root"));
    a.inputs(2); // nothing that may be exported leads to the second input
    a.result(chain("1"));
    key("b", a).result(chain("1", "2"));
    assertThat(written()).isEqualTo(new CacheConfig(List.of(), List.of()));
  }

  @Test
  void keysThatLeadToNoResultAreLeftOut() {
    Node root = key("root");
    key("useless", root);
    key("a", key("between", root)).result(chain("1"));
    assertThat(names(written(), "root", "useless", "between", "a"))
        .containsExactly("root", "between", "a");
  }

  @Test
  void theOrderOfFindingDoesNotCount() {
    Optional<byte[]> first = Optional.empty();
    long seed = System.nanoTime();
    for (int round = 0; round < 20; round++) {
      var one = new KeyGraph();
      var nodes = new ArrayList<Node>();
      for (int i = 0; i < 40; i++) {
        nodes.add(one.add(Digest.of("n" + i)));
      }
      var links = new ArrayList<int[]>();
      for (int i = 4; i < 40; i++) {
        links.add(new int[] {i, i - 4});
        links.add(new int[] {i, i / 2});
      }
      Collections.shuffle(links, new Random(seed + round));
      links.forEach(l -> nodes.get(l[0]).link(0, nodes.get(l[1]), Optional.empty()));
      for (int i = 4; i < 40; i++) {
        nodes.get(i).result(chain("base", "l" + i));
      }
      byte[] json = ConfigWriter.write(one).config().toJson();
      assertThat(json).as("seed %d", seed).isEqualTo(first.orElse(json));
      first = Optional.of(json);
    }
  }

  @Test
  void tenThousandRecordsTakeSeconds() {
    int count = 10_000;
    Node at = key("root");
    Node side = key("side");
    for (int i = 0; i < count; i++) {
      for (int twice = 0; twice < 2; twice++) {
        Node next = key("step " + i, at);
        next.link(0, side, Optional.of(Digest.of("selector " + i)));
        next.result(chain("base", "layer " + i));
        if (twice == 1) {
          at = next;
        }
      }
    }
    long start = System.nanoTime();
    byte[] json = written().toJson();
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(20));
    assertThat(json.length).as("more than BuildKit reads").isGreaterThan(1 << 20);
    assertThat(CacheConfig.parse(json).records()).hasSize(count + 2);
  }

  @Test
  void stepsThatMadeTheSameBlobKeepEachItsTime() {
    Layer base = layer("base");
    Layer run = layer("file");
    Layer copy = run.createdAt(TIME.plusSeconds(5));
    Layer copyAgain = run.createdAt(TIME.plusSeconds(7));
    var makers = List.of("run", "copy", "copy again");
    var results = List.of(chain(base, run), chain(copy), chain(copyAgain));
    Optional<byte[]> first = Optional.empty();
    for (int round = 0; round < 100; round++) {
      var order = new ArrayList<>(List.of(0, 1, 2));
      Collections.shuffle(order, new Random(round));
      var graph = new KeyGraph();
      for (int i : order) {
        Node node = graph.add(Digest.of(makers.get(i)));
        node.link(0, graph.add(Digest.of("root")), Optional.empty());
        node.result(results.get(i));
      }
      byte[] json = ConfigWriter.write(graph).config().toJson();
      assertThat(json).as("round %d", round).isEqualTo(first.orElse(json));
      first = Optional.of(json);
    }
    CacheConfig read = CacheConfig.parse(first.orElseThrow());
    assertThat(times(read, "run")).containsExactly(Optional.empty(), Optional.of(TIME));
    assertThat(times(read, "copy")).containsExactly(Optional.of(TIME.plusSeconds(5)));
    assertThat(times(read, "copy again")).containsExactly(Optional.of(TIME.plusSeconds(7)));
  }

  private static List<Optional<Instant>> times(CacheConfig config, String key) {
    return config.positions(record(config, key).results().getFirst()).stream()
        .map(at -> config.layers().get(at).about().map(CacheConfig.About::createdAt))
        .toList();
  }

  private String inline(Layer... image) {
    return ConfigWriter.writeInline(graph, List.of(image))
        .map(bytes -> new String(bytes, StandardCharsets.UTF_8))
        .orElse("");
  }

  @Test
  void anImageCarriesWhatItsLayersAreTheResultOf() {
    Node root = key("root");
    key("a", root).result(chain("1"));
    key("b", root).result(chain("1", "2"));
    key("else", root).result(chain("9"));
    String json = inline(layer("1"), layer("2"));
    assertThat(json)
        .contains("{\"layers\":[{\"layer\":0,\"createdAt\":\"2026-01-02T03:04:05Z\"}]")
        .contains("{\"layers\":[{\"layer\":1,\"createdAt\":\"2026-01-02T03:04:05Z\"}]")
        .doesNotContain(Digest.of("else").value());
    CacheConfig read =
        CacheConfig.ofImage(
            json.getBytes(StandardCharsets.UTF_8),
            List.of(Digest.of("blob 1"), Digest.of("blob 2")));
    assertThat(read.blobs(record(read, "b").results().getFirst()))
        .containsExactly(Digest.of("blob 1"), Digest.of("blob 2"));
  }

  @Test
  void layersInAnotherOrderAreNamedOneByOne() {
    key("a", key("root")).result(chain("2", "1"));
    assertThat(inline(layer("1"), layer("2")))
        .contains("{\"chains\":[{\"layers\":[1,0],\"createdAt\":\"2026-01-02T03:04:05Z\"}]");
  }

  @Test
  void ofEqualLayersOfAnImageTheOneOfItsTimeIsNamed() {
    Layer later = layer("1").createdAt(TIME.plusSeconds(1));
    key("a", key("root")).result(chain(layer("2"), layer("1")));
    assertThat(inline(layer("1"), layer("2"), later)).contains("{\"layers\":[1,0],");
  }

  @Test
  void layersPackedOtherwiseAreKnownByWhatTheyUnpackTo() {
    key("a", key("root")).result(chain("1"));
    Layer other =
        new Layer(
            new Descriptor(MediaTypes.OCI_LAYER_ZSTD, Digest.of("zstd 1"), 8),
            Digest.of("diff 1"),
            TIME,
            "",
            new TreeSet<>());
    assertThat(inline(other)).contains("{\"layer\":0,");
    assertThat(inline(layer("3"))).as("an image of other layers").isEmpty();
  }

  @Test
  void malformedConfigsAreRefused() {
    String d = Digest.of("x").value();
    for (String json :
        List.of(
            "[",
            "{\"layers\":[{\"blob\":\"sha256:1\"}]}",
            "{\"layers\":[{\"blob\":\"" + d + "\"}]}", // lies on itself
            "{\"layers\":[{\"blob\":\"" + d + "\",\"parent\":7}]}",
            "{\"records\":[{\"digest\":\"" + d + "\",\"inputs\":[[{\"link\":1}]]}]}",
            "{\"records\":[{\"digest\":\"" + d + "\",\"layers\":[{\"layer\":0}]}]}",
            "{\"records\":[{\"digest\":\"" + d + "\",\"chains\":[{\"layers\":[-1]}]}]}",
            "{\"layers\":[{\"blob\":\""
                + d
                + "\",\"parent\":-1}],\"records\":[{\"digest\":\""
                + d
                + "\",\"layers\":[{\"layer\":0,\"createdAt\":\"yesterday\"}]}]}")) {
      assertThatThrownBy(() -> CacheConfig.parse(json.getBytes(StandardCharsets.UTF_8)))
          .as(json)
          .isInstanceOf(BuildException.class);
    }
  }
}
