package dev.kiln.daemon;

import com.google.re2j.Pattern;
import dev.kiln.config.ConfigException;
import dev.kiln.model.BuildException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;

/** Says in one line why a daemon did not start. Stateless. */
final class StartFailure {
  private static final Pattern LINE_ENDS = Pattern.compile("\\s*[\\r\\n]+\\s*");

  private StartFailure() {}

  static String line(Throwable failure) {
    return LINE_ENDS.matcher(words(failure).strip()).replaceAll("; ");
  }

  private static String words(Throwable failure) {
    return switch (failure) {
      case ExecutionException e when e.getCause() != null -> words(e.getCause());
      case CompletionException e when e.getCause() != null -> words(e.getCause());
      case BuildException e -> ofFile(e.getCause()).filter(_ -> isPath(e)).orElse(e.getMessage());
      case ConfigException e -> "" + e.getMessage();
      case FileSystemException e -> ofFile(e).orElseThrow();
      case java.io.IOException e when e.getMessage() != null -> e.getMessage();
      default -> failure.toString(); // nobody foresaw it: its kind may be all that it says
    };
  }

  /** Whether the message is what the JDK says of a file: its name alone. */
  private static boolean isPath(BuildException e) {
    return e.getCause() != null && e.getMessage().equals(e.getCause().getMessage());
  }

  private static Optional<String> ofFile(@org.jspecify.annotations.Nullable Throwable failure) {
    if (!(failure instanceof FileSystemException e)) {
      return Optional.empty();
    }
    String reason =
        switch (e) {
          case NoSuchFileException _ -> "no such file or directory";
          case AccessDeniedException _ -> "permission denied";
          default -> e.getReason() == null ? e.getClass().getSimpleName() : e.getReason();
        };
    return Optional.of(e.getFile() + ": " + reason);
  }
}
