package dev.kiln.ops;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.actors.CacheMap;
import dev.kiln.actors.OpContext;
import dev.kiln.actors.OpRunner;
import dev.kiln.llb.BuildOp;
import dev.kiln.llb.DiffOp;
import dev.kiln.llb.Edge;
import dev.kiln.llb.MergeOp;
import dev.kiln.llb.Op;
import dev.kiln.llb.Vertex;
import dev.kiln.llb.VertexOptions;
import dev.kiln.model.Digest;
import dev.kiln.model.Platform;
import dev.kiln.store.Refs;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** V-20 for merge, diff and build; the digests were printed by BuildKit v0.22's own ops. */
class OpKeysTest {
  private static final Digest ANY = Digest.of("any");

  private static <T> T untouched(Class<T> type) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (_, method, _) -> {
              throw new AssertionError("a key needs no " + method);
            }));
  }

  private static final Refs REFS = untouched(Refs.class);

  private static Vertex vertex(Op op, int inputs) {
    var edges = new ArrayList<Edge>();
    for (int i = 0; i < inputs; i++) {
      edges.add(new Edge(ANY, i));
    }
    return new Vertex(ANY, ANY, op, edges, Optional.empty(), VertexOptions.NONE, "", new byte[0]);
  }

  private static CacheMap key(OpRunner runner) throws Exception {
    return runner.cacheMap(0, untouched(OpContext.class));
  }

  private static OptionalInt input(int index) {
    return index < 0 ? OptionalInt.empty() : OptionalInt.of(index);
  }

  private static void assertDiff(int lower, int upper, int inputs, String hex) throws Exception {
    DiffOp op = new DiffOp(input(lower), input(upper));
    CacheMap map = key(new DiffOpRunner(REFS, vertex(op, inputs), op));
    assertThat(map.digest().value()).isEqualTo("sha256:" + hex);
    assertThat(map.deps()).hasSize(inputs);
  }

  @Test
  void mergeIsKeyedByTheOrderOfItsInputs() throws Exception {
    MergeOp op = new MergeOp(List.of(0, 2, 1));
    CacheMap map = key(new MergeOpRunner(REFS, vertex(op, 3), op));
    assertThat(map.digest().value())
        .isEqualTo("sha256:60a6dd59f5bf7a7244bdafd365ef9e873ca700c422f07b7f0c8d49867602eaff");
    assertThat(map.deps()).hasSize(3).containsOnly(CacheMap.Dep.PLAIN);
  }

  @Test
  void diffIsKeyedByWhichSideIsEmpty() throws Exception {
    assertDiff(0, 1, 2, "164ae6dac10aea8de6cb7cda35914a10011485523f807ea840bca3e0ab19d8ff");
    assertDiff(-1, 0, 1, "f5284a0f1782a8c2cdb29841228c32706cbf04332ad37c3c7cb41659c6eeba0a");
    assertDiff(0, -1, 1, "6e0de09dd8f26a37f3bad55c0d772fc424005c39b3eeebcd5573955979e3edea");
    assertDiff(-1, -1, 0, "f1f43da9fa26496ed20ac17a5fb5dba35703e60e18cd21ff629d42159a9db03c");
  }

  @Test
  void buildIsKeyedByItsInputsAndAttributes() throws Exception {
    BuildOp op =
        new BuildOp(
            -1,
            Map.of("buildkit.llb.definition", 0),
            Optional.empty(),
            Map.of("llbbuild.filename", "x"));
    CacheMap map = key(new BuildOpRunner(REFS, vertex(op, 1), op, Platform.host()));
    assertThat(map.digest().value())
        .isEqualTo("sha256:082aa4aa256d527a755eae8cb05164491f2abe9943cba2d6b5c045983a70e621");
  }
}
