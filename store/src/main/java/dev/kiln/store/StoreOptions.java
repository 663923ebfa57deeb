package dev.kiln.store;

import dev.kiln.model.BuildException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;

/**
 * How a {@link Store} is opened. Immutable.
 *
 * @param root its directory, made where it is missing; one process at a time
 * @param snapshotter {@code auto}, {@code overlayfs} or {@code native}
 * @param bootId names this run of the machine: another one than at the last time means that what
 *     was not synced may be lost
 * @param syncEvery how often changes are brought to the disk (ADR 0004); never where it is absent
 */
public record StoreOptions(
    Path root, String snapshotter, Clock clock, String bootId, Optional<Duration> syncEvery) {
  /** The options for this machine. */
  public static StoreOptions of(Path root, String snapshotter) {
    try {
      String bootId = Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip();
      return new StoreOptions(
          root, snapshotter, Clock.systemUTC(), bootId, Optional.of(Duration.ofSeconds(5)));
    } catch (IOException e) {
      throw BuildException.of(e);
    }
  }

  /** The same for a store that is thrown away when it is closed. */
  public StoreOptions unsynced() {
    return new StoreOptions(root, snapshotter, clock, bootId, Optional.empty());
  }
}
