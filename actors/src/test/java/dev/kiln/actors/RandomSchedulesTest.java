package dev.kiln.actors;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.actors.FakeOps.Fake;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** No order of events leaves a build without an answer. A failure names its seed. */
@Timeout(120)
final class RandomSchedulesTest {
  @TempDir Path folder;

  static List<Long> seeds() {
    long first = Long.getLong("kiln.seed", System.nanoTime() & 0xffffff);
    var all = new ArrayList<Long>();
    for (int i = 0; i < Integer.getInteger("kiln.seeds", 12); i++) {
      all.add(first + i);
    }
    return all;
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void everySolveIsAnswered(long seed) throws Exception {
    var random = new Random(seed);
    OptionalInt parallel = random.nextBoolean() ? OptionalInt.of(2) : OptionalInt.empty();
    try (var f = new SolverFixture(folder, parallel, new SolverFixture.MemoryStore())) {
      for (int round = 0; round < 4; round++) {
        List<Fake> graph = randomGraph(f, random, round);
        var jobs = new ArrayList<Job>();
        var solves = new ArrayList<Solve>();
        for (int i = 0; i < 8; i++) {
          Job job = f.job();
          jobs.add(job);
          Fake root = graph.get(random.nextInt(graph.size()));
          solves.add(job.solve(root.graph(), List.of()));
          if (random.nextInt(4) == 0) {
            Solve victim = solves.get(random.nextInt(solves.size()));
            victim.cancel();
          }
          if (random.nextInt(5) == 0) {
            f.results.gone.add("v" + round + "-" + random.nextInt(graph.size()) + "#0=c0");
          }
        }
        for (int i = 0; i < solves.size(); i++) {
          answered(solves.get(i), seed);
          if (random.nextBoolean()) {
            jobs.get(i).close();
          }
        }
        jobs.forEach(Job::close);
      }
      f.eventually(() -> assertThat(f.openLeases).as("leases left, seed " + seed).hasValue(0));
      assertThat(f.ops.running).hasValue(0);
    }
  }

  private static void answered(Solve solve, long seed) throws Exception {
    try {
      var done = solve.done().toCompletableFuture().get(15, TimeUnit.SECONDS);
      assertThat(done.result()).isPresent();
    } catch (java.util.concurrent.ExecutionException e) {
      BuildException why = BuildException.of(e);
      assertThat(why.kind()).as("seed %d: %s", seed, why).isIn(Kind.CANCELED, Kind.UNKNOWN);
    } catch (java.util.concurrent.TimeoutException e) {
      throw new AssertionError("a solve stalls with seed " + seed, e);
    }
  }

  private static List<Fake> randomGraph(SolverFixture f, Random random, int round) {
    var all = new ArrayList<Fake>();
    int size = 3 + random.nextInt(25);
    for (int i = 0; i < size; i++) {
      var inputs = new ArrayList<Fake>();
      for (int k = random.nextInt(4); k > 0 && !all.isEmpty(); k--) {
        inputs.add(all.get(random.nextInt(all.size())));
      }
      Fake v = f.ops.vertex("v" + round + "-" + i, inputs.toArray(new Fake[0]));
      // few keys and contents, so that edges and results often are equal
      v.key("k" + random.nextInt(6));
      if (inputs.isEmpty() && random.nextInt(3) == 0) {
        v.key("k" + random.nextInt(6), "l" + random.nextInt(3));
      }
      v.content("c" + random.nextInt(4));
      v.contentKeys = random.nextInt(3) == 0;
      v.ignoreCache = random.nextInt(8) == 0;
      v.pure = random.nextBoolean();
      v.permit = random.nextBoolean();
      if (random.nextInt(40) == 0) {
        v.runFailure = java.util.Optional.of(new BuildException(Kind.UNKNOWN, "planned"));
      }
      all.add(v);
    }
    return all;
  }
}
