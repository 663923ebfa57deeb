package dev.kiln.actors;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.actors.SharedOp.Cancel;
import dev.kiln.actors.SharedOp.Complete;
import dev.kiln.actors.SharedOp.Dropped;
import dev.kiln.actors.SharedOp.Effect;
import dev.kiln.actors.SharedOp.Ended;
import dev.kiln.actors.SharedOp.Fail;
import dev.kiln.actors.SharedOp.Finish;
import dev.kiln.actors.SharedOp.Learned;
import dev.kiln.actors.SharedOp.Lost;
import dev.kiln.actors.SharedOp.Needed;
import dev.kiln.actors.SharedOp.Piece;
import dev.kiln.actors.SharedOp.Start;
import dev.kiln.actors.SharedOp.Take;
import dev.kiln.actors.SharedOp.Tell;
import dev.kiln.model.BuildException;
import dev.kiln.model.KeyDigest;
import dev.kiln.model.Kind;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** The op behind a vertex's edges, event by event. */
final class SharedOpTest {
  private static final CacheTable TABLE =
      new CacheTable(CacheIndex.LOCAL, (r, c) -> r.result(), c -> {});
  private static final CacheMap MAP = CacheMap.of(KeyDigest.of("op"), List.of());
  private static final OpCall.Map KEY = new OpCall.Map(0);
  private static final OpCall.Run RUN = new OpCall.Run(List.of());
  private static final OpCall.Content CONTENT =
      new OpCall.Content(0, Optional.empty(), CacheMap.Dep.PLAIN);
  private static final EdgeState.Candidate CANDIDATE =
      new EdgeState.Candidate(
          new CacheKey(KeyDigest.of("op"), 0, List.of()),
          new CacheKey.Found(TABLE, new CacheRecord("r", Instant.EPOCH)));
  private static final OpCall.Load LOAD = new OpCall.Load(0, CANDIDATE);
  private static final OpEnd.Ran RAN =
      new OpEnd.Ran(List.of(Optional.empty()), Instant.EPOCH, Instant.EPOCH);
  private static final OpEnd.Loaded LOADED =
      new OpEnd.Loaded(Optional.empty(), List.of(), Instant.EPOCH, Instant.EPOCH);
  private static final BuildException WHY = new BuildException(Kind.UNKNOWN, "planned");
  private static final OpEnd FAILED = new OpEnd.Failed(WHY);
  private static final Piece MAPS = new Piece.Maps();
  private static final Piece RUNS = new Piece.Run();
  private static final Piece INPUT = new Piece.Content(0);
  private static final Piece RECORD = new Piece.Load(0);

  private SharedOp op = SharedOp.NEW;

  private List<Effect> on(SharedOp.Event event) {
    SharedOp.Step step = op.on(event);
    op = step.next();
    return step.effects();
  }

  @Test
  void callIsMadeOnceForAllThatNeedIt() {
    assertThat(on(new Needed(0, KEY))).containsExactly(new Start(1, KEY));
    assertThat(on(new Needed(1, KEY))).isEmpty();
    assertThat(on(new Ended(1, new OpEnd.Mapped(MAP))))
        .containsExactly(
            new Learned(MAP),
            new Tell(0, new EdgeEvent.MapReady(MAP)),
            new Tell(1, new EdgeEvent.MapReady(MAP)));
    assertThat(op.isIdle()).isTrue();
  }

  @Test
  void whatIsKnownIsToldAtOnce() {
    on(new Needed(0, KEY));
    on(new Ended(1, new OpEnd.Mapped(MAP)));
    assertThat(on(new Needed(1, KEY))).containsExactly(new Tell(1, new EdgeEvent.MapReady(MAP)));
    on(new Needed(0, CONTENT));
    var key = Optional.of(CacheKey.content(KeyDigest.of("content")));
    on(new Ended(2, new OpEnd.Keyed(key)));
    assertThat(on(new Needed(1, CONTENT)))
        .containsExactly(new Tell(1, new EdgeEvent.ContentReady(0, key)));
    on(new Needed(0, RUN));
    on(new Ended(3, RAN));
    assertThat(on(new Needed(1, RUN))).containsExactly(new Complete(1, RAN));
  }

  @Test
  void nextMapIsAnotherCall() {
    on(new Needed(0, KEY));
    on(new Ended(1, new OpEnd.Mapped(MAP)));
    var next = new OpCall.Map(1);
    assertThat(on(new Needed(0, next))).containsExactly(new Start(2, next));
  }

  @Test
  void runEndsForWhoWaitsAndOnce() {
    on(new Needed(0, RUN));
    on(new Needed(1, RUN));
    assertThat(on(new Ended(1, RAN)))
        .containsExactly(new Complete(0, RAN), new Complete(1, RAN), new Finish(RAN));
  }

  @Test
  void oneThatLeavesOthersHearsOfItAtOnce() {
    on(new Needed(0, RUN));
    on(new Needed(1, RUN));
    assertThat(on(new Dropped(0, RUNS))).containsExactly(new Tell(0, new EdgeEvent.WorkStopped()));
    assertThat(on(new Ended(1, RAN))).containsExactly(new Complete(1, RAN), new Finish(RAN));
  }

  @Test
  void lastOneCancelsAndHearsOfTheEnd() {
    on(new Needed(0, RUN));
    assertThat(on(new Dropped(0, RUNS))).containsExactly(new Cancel(1));
    assertThat(op.isIdle()).isFalse();
    assertThat(on(new Ended(1, FAILED))).containsExactly(new Tell(0, new EdgeEvent.WorkStopped()));
    assertThat(op.isIdle()).isTrue();
  }

  @Test
  void eachPieceIsStoppedInItsOwnWord() {
    Map<OpCall, EdgeEvent> words =
        Map.of(
            KEY, new EdgeEvent.MapStopped(),
            CONTENT, new EdgeEvent.ContentStopped(0),
            LOAD, new EdgeEvent.WorkStopped());
    words.forEach((call, word) -> {
      op = SharedOp.NEW;
      on(new Needed(0, call));
      on(new Dropped(0, Piece.of(call)));
      assertThat(on(new Ended(1, FAILED))).containsExactly(new Tell(0, word));
    });
  }

  @Test
  void droppedWithoutACallIsStoppedAlready() {
    assertThat(on(new Dropped(0, MAPS))).containsExactly(new Tell(0, new EdgeEvent.MapStopped()));
    assertThat(on(new Dropped(0, INPUT)))
        .containsExactly(new Tell(0, new EdgeEvent.ContentStopped(0)));
  }

  @Test
  void valueOfACancelledCallIsTaken() {
    on(new Needed(0, RUN));
    on(new Dropped(0, RUNS));
    assertThat(on(new Ended(1, RAN))).containsExactly(new Complete(0, RAN), new Finish(RAN));
  }

  @Test
  void wantedAgainWhileItIsCancelledIsTriedAgainAfterItsEnd() {
    on(new Needed(0, RUN));
    on(new Dropped(0, RUNS));
    var other = new OpCall.Run(List.of(Optional.empty()));
    assertThat(on(new Needed(1, other))).as("the first has not ended").isEmpty();
    assertThat(on(new Ended(1, FAILED)))
        .containsExactly(new Tell(0, new EdgeEvent.WorkStopped()), new Start(2, other));
    assertThat(on(new Ended(2, RAN))).containsExactly(new Complete(1, RAN), new Finish(RAN));
  }

  @Test
  void lateEndOfATryThatIsOverChangesNothing() {
    on(new Needed(0, RUN));
    on(new Dropped(0, RUNS));
    on(new Ended(1, FAILED));
    on(new Needed(0, RUN));
    SharedOp before = op;
    assertThat(on(new Ended(1, RAN))).isEmpty();
    assertThat(op).isEqualTo(before);
  }

  @Test
  void failureIsOfAllEdgesAndOfThoseToCome() {
    on(new Needed(0, CONTENT));
    on(new Needed(0, KEY));
    assertThat(on(new Ended(2, FAILED))).containsExactly(new Fail(WHY), new Cancel(1));
    assertThat(on(new Needed(1, RUN))).containsExactly(new Tell(1, new EdgeEvent.Failed(WHY)));
    assertThat(on(new Ended(1, FAILED)))
        .containsExactly(new Tell(0, new EdgeEvent.ContentStopped(0)));
    assertThat(op.isIdle()).isTrue();
  }

  @Test
  void opWithoutAKeyFails() {
    on(new Needed(0, KEY));
    assertThat(on(new Ended(1, FAILED))).containsExactly(new Fail(WHY));
    assertThat(on(new Needed(1, KEY))).containsExactly(new Tell(1, new EdgeEvent.Failed(WHY)));
    assertThat(op.isIdle()).isTrue();
  }

  @Test
  void recordIsTakenOrLostAndTheOpIsAsBefore() {
    on(new Needed(0, LOAD));
    assertThat(op.work(0)).isEqualTo(RECORD);
    assertThat(op.work(1)).isEqualTo(RUNS);
    assertThat(on(new Ended(1, FAILED))).containsExactly(new Lost(0, CANDIDATE, WHY));
    assertThat(op.failure()).isEmpty();
    on(new Needed(0, LOAD));
    assertThat(on(new Ended(2, LOADED))).containsExactly(new Take(0, CANDIDATE, LOADED));
  }

  /**
   * Whatever comes in whatever order: of each piece one try is under way at most, tries that are
   * over change nothing, and when all have ended, everybody was answered.
   */
  @Property(tries = 1000)
  void everybodyIsAnswered(@ForAll long seed) {
    var random = new Random(seed);
    var schedule = new Schedule();
    for (int i = 0; i < 80; i++) {
      int output = random.nextInt(3);
      Optional<Piece> asked = Optional.ofNullable(schedule.open.get(output));
      if (asked.isPresent() && random.nextBoolean() && schedule.dropped.add(output)) {
        schedule.on(new Dropped(output, asked.get()));
      } else if (asked.isEmpty() && random.nextBoolean()) {
        OpCall call = schedule.call(random, output);
        schedule.open.put(output, Piece.of(call));
        schedule.dropped.remove(output);
        schedule.on(new Needed(output, call));
      } else if (random.nextInt(4) == 0) {
        SharedOp before = schedule.now;
        schedule.on(new Ended(100_000, RAN)); // a try of which nothing is known
        assertThat(schedule.now).isEqualTo(before);
      } else {
        schedule.endOne(random);
      }
    }
    while (!schedule.underWay.isEmpty()) {
      schedule.endOne(random);
    }
    assertThat(schedule.open).as("who was not answered").isEmpty();
    assertThat(schedule.now.isIdle()).isTrue();
  }

  /** What is under way, and which output waits for which piece. */
  private static final class Schedule {
    SharedOp now = SharedOp.NEW;
    final Map<Long, Piece> underWay = new TreeMap<>();
    final Map<Integer, Piece> open = new TreeMap<>();
    final Set<Integer> dropped = new TreeSet<>();

    void on(SharedOp.Event event) {
      SharedOp.Step step = now.on(event);
      now = step.next();
      for (Effect effect : step.effects()) {
        switch (effect) {
          case Start(var number, var call) -> {
            assertThat(underWay).doesNotContainValue(Piece.of(call));
            underWay.put(number, Piece.of(call));
          }
          case Tell(var output, _) -> open.remove(output);
          case Complete(var output, _) -> open.remove(output);
          case Take(var output, _, _) -> open.remove(output);
          case Lost(var output, _, _) -> open.remove(output);
          case Fail _ -> open.clear();
          case Cancel(var number) -> assertThat(underWay).containsKey(number);
          case Learned _, Finish _ -> {}
        }
      }
    }

    OpCall call(Random random, int output) {
      return switch (random.nextInt(4)) {
        case 0 -> new OpCall.Map(random.nextInt(now.maps().size() + 1));
        case 1 -> new OpCall.Content(random.nextInt(2), Optional.empty(), CacheMap.Dep.PLAIN);
        case 2 -> new OpCall.Load(output, CANDIDATE);
        default -> RUN;
      };
    }

    void endOne(Random random) {
      if (underWay.isEmpty()) {
        return;
      }
      var entries = List.copyOf(underWay.entrySet());
      Map.Entry<Long, Piece> entry = entries.get(random.nextInt(entries.size()));
      long number = entry.getKey();
      Piece piece = entry.getValue();
      underWay.remove(number);
      on(new Ended(number, random.nextInt(8) == 0 ? FAILED : value(piece)));
    }

    private static OpEnd value(Piece piece) {
      return switch (piece) {
        case Piece.Maps() -> new OpEnd.Mapped(MAP);
        case Piece.Content _ -> new OpEnd.Keyed(Optional.empty());
        case Piece.Load _ -> LOADED;
        case Piece.Run() -> RAN;
      };
    }
  }
}
