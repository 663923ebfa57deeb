package dev.kiln.remotecache.graph;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.MediaTypes;
import dev.kiln.remotecache.graph.KeyGraph.Node;
import dev.kiln.store.Layer;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * A cache that buildkitd v0.22.0 exported with {@code mode=max}, of three stages with COPY from the
 * client, COPY between stages and RUN: what it says is read, and written again as it stands.
 */
class GoldenConfigTest {
  private static byte[] golden() throws IOException {
    try (InputStream in = GoldenConfigTest.class.getResourceAsStream("buildkit-v0.22-max.json")) {
      return Objects.requireNonNull(in, "the golden file").readAllBytes();
    }
  }

  /** Times in one spelling: Go leaves out closing zeros of fractions. */
  private static JsonNode comparable(byte[] json) throws IOException {
    JsonNode root = new ObjectMapper().readTree(json);
    for (JsonNode record : root.path("records")) {
      for (JsonNode result : record.path("layers")) {
        Instant at = OffsetDateTime.parse(result.path("createdAt").asText()).toInstant();
        ((ObjectNode) result).put("createdAt", at.toString());
      }
    }
    return root;
  }

  @Test
  void isReadAndWrittenAsItStands() throws Exception {
    CacheConfig read = CacheConfig.parse(golden());
    assertThat(read.records()).hasSize(11);
    assertThat(read.layers()).hasSize(7);
    assertThat(comparable(read.toJson())).isEqualTo(comparable(golden()));
  }

  @Test
  void itsGraphIsWrittenInTheSameOrder() throws Exception {
    CacheConfig read = CacheConfig.parse(golden());
    var graph = new KeyGraph();
    var order = new ArrayList<Integer>();
    for (int i = 0; i < read.records().size(); i++) {
      order.add(i);
    }
    long seed = System.nanoTime();
    Collections.shuffle(order, new Random(seed));
    var nodes = new Node[order.size()];
    for (int i : order) {
      nodes[i] = graph.add(read.records().get(i).digest());
    }
    for (int i : order) {
      CacheConfig.Record record = read.records().get(i);
      for (int input = 0; input < record.inputs().size(); input++) {
        for (CacheConfig.Input from : record.inputs().get(input)) {
          nodes[i].link(input, nodes[from.record()], from.selector());
        }
      }
      for (CacheConfig.Result result : record.results()) {
        nodes[i].result(chain(read.blobs(result), result.createdAt()));
      }
    }
    assertThat(ConfigWriter.write(graph).config()).as("seed %d", seed).isEqualTo(read);
  }

  private static Chain chain(List<Digest> blobs, Instant createdAt) {
    return new Chain(
        blobs.stream()
            .map(blob ->
                new ChainLayer(
                    new Layer(
                        new Descriptor(MediaTypes.OCI_LAYER_GZIP, blob, 1),
                        blob,
                        Instant.EPOCH,
                        "",
                        new TreeSet<>()),
                    progress -> {}))
            .toList(),
        createdAt);
  }
}
