package dev.kiln.actors;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.TestInbox;
import dev.kiln.llb.Edge;
import dev.kiln.model.Digest;
import dev.kiln.model.KeyDigest;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Equal claims find each other by any way that is known for each input. */
final class ClaimTableTest {
  private static final Edge A = new Edge(Digest.of("a"), 0);
  private static final Edge B = new Edge(Digest.of("b"), 0);
  private static final Edge C = new Edge(Digest.of("c"), 0);

  private final ClaimTable table = new ClaimTable();

  /** Each input's ways, separated by spaces. */
  private static VertexGraph.Claim claim(Edge edge, String digest, String... inputs) {
    return new VertexGraph.Claim(
        edge,
        Arrays.stream(digest.split(" ")).map(KeyDigest::of).toList(),
        Arrays.stream(inputs)
            .map(ways -> Arrays.stream(ways.split(" ")).map(Claims.Token::new).toList())
            .toList(),
        TestInbox.<VertexActor.Command>create().getRef());
  }

  @Test
  void rootsAreEqualByAnyOfTheirDigests() {
    table.add(claim(A, "k1 k2"), A);
    assertThat(table.equal(claim(B, "k2 k3"))).containsExactly(A);
    assertThat(table.equal(claim(B, "k3"))).isEmpty();
    assertThat(table.equal(claim(new Edge(B.vertex(), 1), "k1"))).as("another output").isEmpty();
  }

  @Test
  void everyInputMustBeKnownByOneOfItsWays() {
    table.add(claim(A, "op", "x y", "z"), A);
    assertThat(table.equal(claim(B, "op", "y w", "z"))).containsExactly(A);
    assertThat(table.equal(claim(B, "op", "y", "w"))).isEmpty();
    assertThat(table.equal(claim(B, "op", "z", "y"))).as("in their order").isEmpty();
    assertThat(table.equal(claim(B, "other", "x", "z"))).isEmpty();
  }

  @Test
  void theFirstOneIsAskedFirst() {
    table.add(claim(B, "op", "x"), B);
    table.add(claim(A, "op", "x"), A);
    assertThat(table.equal(claim(C, "op", "x"))).containsExactly(B, A);
  }

  @Test
  void anOwnerIsKnownByTheWaysOfWhatWasMergedIntoIt() {
    table.add(claim(A, "op", "x"), A);
    table.add(claim(B, "op", "x y"), A);
    assertThat(table.equal(claim(C, "op", "y"))).containsExactly(A);
    table.remove(B.vertex());
    assertThat(table.equal(claim(C, "op", "y"))).containsExactly(A);
    table.remove(A.vertex());
    assertThat(table.equal(claim(C, "op", "x"))).isEmpty();
    assertThat(table.equal(claim(C, "op", "y"))).isEmpty();
  }

  @Test
  void aVertexIsForgottenWithAllItsEdges() {
    Edge second = new Edge(A.vertex(), 1);
    table.add(claim(A, "op", "x"), A);
    table.add(claim(second, "op", "x"), second);
    table.remove(A.vertex());
    table.remove(A.vertex());
    assertThat(table.equal(claim(B, "op", "x"))).isEmpty();
    assertThat(table.equal(claim(new Edge(B.vertex(), 1), "op", "x"))).isEmpty();
  }
}
