package dev.kiln.tracing;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class BlockingTest {
  static List<Error> errors() {
    return List.of(
        new StackOverflowError(),
        new OutOfMemoryError("Java heap space"),
        new NoClassDefFoundError("gone"),
        new AssertionError("a bug"));
  }

  @ParameterizedTest
  @MethodSource("errors")
  void anErrorEndsTheWorksFutureAndNothingElse(Error error) {
    for (var task :
        List.of(
            Blocking.start("virtual", () -> fail(error)),
            Blocking.onPlatform("platform", () -> fail(error)))) {
      assertThatThrownBy(() -> task.done().toCompletableFuture().get(10, TimeUnit.SECONDS))
          .hasCause(error);
    }
  }

  private static boolean fail(Error error) {
    throw error;
  }

  @Test
  void aStackWithoutEndIsAnErrorOfTheWork() {
    var task = Blocking.start("deep", () -> depth(0));
    assertThatThrownBy(() -> task.done().toCompletableFuture().get(30, TimeUnit.SECONDS))
        .hasCauseInstanceOf(StackOverflowError.class);
  }

  private static int depth(int from) {
    return from < Integer.MAX_VALUE ? depth(from + 1) + 1 : 0; // no stack is this deep
  }
}
