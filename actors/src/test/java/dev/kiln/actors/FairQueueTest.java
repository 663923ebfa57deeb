package dev.kiln.actors;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

/** Builds take turns. */
final class FairQueueTest {
  private final FairQueue<String> queue = new FairQueue<>();

  private List<String> all() {
    var all = new ArrayList<String>();
    for (var next = queue.next(); next.isPresent(); next = queue.next()) {
      all.add(next.get().item());
    }
    return all;
  }

  @Test
  void oneBuildIsServedInItsOrder() {
    queue.add("1", List.of("a"));
    queue.add("2", List.of("a"));
    queue.add("3", List.of("a"));
    assertThat(queue.order()).containsExactly("1", "2", "3");
    assertThat(all()).containsExactly("1", "2", "3");
    assertThat(queue.size()).isZero();
  }

  @Test
  void smallBuildIsServedBetweenTheStepsOfALargeOne() {
    for (int i = 0; i < 500; i++) {
      queue.add("large" + i, List.of("large"));
    }
    assertThat(queue.next()).contains(new FairQueue.Next<>("large", "large0"));
    queue.add("small0", List.of("small"));
    queue.add("small1", List.of("small"));
    assertThat(queue.order()).startsWith("large1", "small0", "large2", "small1", "large3");
    assertThat(all()).startsWith("large1", "small0", "large2", "small1", "large3").hasSize(501);
  }

  @Test
  void whatSeveralBuildsWaitForIsServedOnceAtTheFirstTurn() {
    queue.add("a1", List.of("a"));
    queue.add("a2", List.of("a"));
    queue.add("both", List.of("a", "b"));
    assertThat(all()).containsExactly("a1", "both", "a2");
  }

  @Test
  void joiningAndLeavingBuildsChangeTheTurns() {
    queue.add("a1", List.of("a"));
    queue.add("a2", List.of("a"));
    queue.add("a3", List.of("a"));
    queue.builds("a3", List.of("a", "b"));
    assertThat(queue.order()).containsExactly("a1", "a3", "a2");
    queue.builds("a3", List.of("a"));
    assertThat(queue.order()).containsExactly("a1", "a2", "a3");
    queue.builds("gone", List.of("b"));
    assertThat(queue.size()).isEqualTo(3);
  }

  @Test
  void buildsThatMayHaveNoTurnArePassedOverAndKeepTheirs() {
    queue.add("a1", List.of("a"));
    queue.add("b1", List.of("b"));
    queue.add("b2", List.of("b"));
    assertThat(queue.next("b"::equals)).contains(new FairQueue.Next<>("b", "b1"));
    assertThat(queue.next("c"::equals)).isEmpty();
    assertThat(all()).containsExactly("a1", "b2");
  }

  @Test
  void takenBackIsNotServed() {
    queue.add("a1", List.of("a"));
    queue.add("b1", List.of("b"));
    assertThat(queue.remove("a1")).isTrue();
    assertThat(queue.remove("a1")).isFalse();
    assertThat(all()).containsExactly("b1");
  }

  /** While n builds wait, each is served once in n turns. */
  @Property(tries = 300)
  void noBuildIsPassedOverWhileItWaits(
      @ForAll @Size(min = 1, max = 60) List<@IntRange(min = 0, max = 5) Integer> builds) {
    var fair = new FairQueue<Integer>();
    var left = new HashMap<Integer, Integer>();
    for (int i = 0; i < builds.size(); i++) {
      fair.add(i, List.of("build" + builds.get(i)));
      left.merge(builds.get(i), 1, Integer::sum);
    }
    List<Integer> expected = fair.order();
    var served = new ArrayList<Integer>();
    Map<Integer, Integer> sinceServed = new HashMap<>();
    for (var next = fair.next(); next.isPresent(); next = fair.next()) {
      int build = builds.get(next.get().item());
      served.add(next.get().item());
      left.keySet().forEach(b -> sinceServed.merge(b, 1, Integer::sum));
      assertThat(sinceServed.getOrDefault(build, 0)).isLessThanOrEqualTo(6);
      sinceServed.put(build, 0);
      left.computeIfPresent(build, (b, n) -> n == 1 ? null : n - 1);
      left.keySet()
          .forEach(b ->
              assertThat(sinceServed.getOrDefault(b, 0)).as("build %s waits", b).isLessThan(6));
    }
    assertThat(served).isEqualTo(expected).doesNotHaveDuplicates().hasSize(builds.size());
  }
}
