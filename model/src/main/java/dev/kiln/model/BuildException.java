package dev.kiln.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A failure that the caller can understand: a kind, a message that names the thing and the way out,
 * and typed details. Any other exception is a bug of the daemon. Immutable; {@link #with} and
 * {@link #wrap} make new ones that keep the cause.
 */
public final class BuildException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private final Kind kind;
  private final transient List<Detail> details;

  public BuildException(Kind kind, String message) {
    this(kind, message, List.of(), null);
  }

  public BuildException(Kind kind, String message, @Nullable Throwable cause) {
    this(kind, message, List.of(), cause);
  }

  public BuildException(
      Kind kind, String message, List<Detail> details, @Nullable Throwable cause) {
    super(message, cause);
    this.kind = kind;
    this.details = List.copyOf(details);
  }

  public Kind kind() {
    return kind;
  }

  public List<Detail> details() {
    return details;
  }

  /** The message; never null. */
  @Override
  public String getMessage() {
    String message = super.getMessage();
    return message == null ? kind.name() : message;
  }

  /** The same failure with one more detail. */
  public BuildException with(Detail detail) {
    var all = new ArrayList<>(details);
    all.add(detail);
    return new BuildException(kind, getMessage(), all, this);
  }

  /** The same failure seen from further out: {@code context + ": " + message}. */
  public BuildException wrap(String context) {
    return new BuildException(kind, context + ": " + getMessage(), details, this);
  }

  /**
   * {@code failure} as a {@code BuildException}: itself, or {@code CANCELED} for an interrupt,
   * {@code EXHAUSTED} where memory, a stack or the disk is full, {@code UNKNOWN} for other failures
   * of files and connections, {@code INVALID} for a path that no file can have, else {@code
   * INTERNAL}. Looks through the wrappers of futures.
   */
  public static BuildException of(Throwable failure) {
    Throwable root = failure;
    while ((root instanceof java.util.concurrent.CompletionException
            || root instanceof java.util.concurrent.ExecutionException
            || root instanceof java.io.UncheckedIOException)
        && root.getCause() != null) {
      root = root.getCause();
    }
    return switch (root) {
      case BuildException e -> e;
      case InterruptedException e -> new BuildException(Kind.CANCELED, "context canceled", e);
      case java.util.concurrent.CancellationException e ->
          new BuildException(Kind.CANCELED, "context canceled", e);
      case java.nio.channels.ClosedByInterruptException e ->
          new BuildException(Kind.CANCELED, "context canceled", e);
      case OutOfMemoryError e -> new BuildException(Kind.EXHAUSTED, outOfMemory(e), e);
      case StackOverflowError e ->
          new BuildException(
              Kind.EXHAUSTED, "the build is nested too deeply for the daemon's stack", e);
      case java.nio.file.InvalidPathException e ->
          new BuildException(
              Kind.INVALID, e.getReason() + ": " + e.getInput().replace("\0", "\\0"), e);
      default -> {
        String message = root.getMessage() == null ? root.toString() : root.getMessage();
        yield new BuildException(
            root instanceof java.io.IOException ? kindOf(message) : Kind.INTERNAL, message, root);
      }
    };
  }

  /** The JVM says in the same way that the machine has no thread left. */
  private static String outOfMemory(OutOfMemoryError e) {
    String message = String.valueOf(e.getMessage());
    return message.contains("native thread")
        ? "the daemon cannot start a thread: raise its limit of tasks (TasksMax, ulimit -u)"
        : "the daemon is out of memory";
  }

  /**
   * What the kernel's reason for a failed call says of whose fault it is; the JDK and {@code
   * dev.kiln.sys} both end messages with it. Which ones count: BuildKit v0.22 {@code
   * errdefs/internal_linux.go}.
   */
  private static Kind kindOf(String message) {
    String text = message.toLowerCase(Locale.ROOT);
    if (Stream.of("no space left on device", "cannot allocate memory", "disk quota exceeded")
        .anyMatch(reason -> says(text, reason))) {
      return Kind.EXHAUSTED;
    }
    return Stream.of(
                "input/output error",
                "bad address",
                "state not recoverable",
                "memory page has hardware error")
            .anyMatch(reason -> says(text, reason))
        ? Kind.INTERNAL
        : Kind.UNKNOWN;
  }

  private static boolean says(String message, String reason) {
    return message.equals(reason) || message.contains(": " + reason);
  }
}
