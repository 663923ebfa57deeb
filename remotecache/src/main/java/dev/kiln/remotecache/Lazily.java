package dev.kiln.remotecache;

import java.util.Optional;
import java.util.function.Supplier;

/** Makes a value when it is first asked for, and once. Any thread. */
final class Lazily<T> implements Supplier<T> {
  private final Supplier<T> maker;
  private Optional<T> made = Optional.empty();

  private Lazily(Supplier<T> maker) {
    this.maker = maker;
  }

  static <T> Supplier<T> of(Supplier<T> maker) {
    return new Lazily<>(maker);
  }

  @Override
  public synchronized T get() {
    if (made.isEmpty()) {
      made = Optional.of(maker.get());
    }
    return made.get();
  }
}
