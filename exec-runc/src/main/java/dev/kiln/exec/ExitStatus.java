package dev.kiln.exec;

import dev.kiln.exec.usage.StepUsage;
import java.util.Optional;

/**
 * How a process ended: its exit code (128 and more for a signal), whether the kernel killed one of
 * the container's processes for want of memory (cgroup v2 only), and what it used where that was
 * asked for (cgroup v2 only). Immutable.
 */
public record ExitStatus(int code, boolean outOfMemory, Optional<StepUsage> usage) {
  public ExitStatus(int code) {
    this(code, false, Optional.empty());
  }
}
