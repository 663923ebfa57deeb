package dev.kiln.store.records;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Set;

/** What a failure of SQLite is about, by its result codes (sqlite.org/rescode.html). */
public final class SqlFailures {
  private static final int NOMEM = 7;
  private static final int READONLY = 8;
  private static final int IOERR = 10;
  private static final int CORRUPT = 11;
  private static final int FULL = 13;
  private static final int NOTADB = 26;

  /** ERROR, TOOBIG, CONSTRAINT, MISMATCH, RANGE: this statement fails wherever it is tried. */
  private static final Set<Integer> OF_THE_STATEMENT = Set.of(1, 18, 19, 20, 25);

  private SqlFailures() {}

  /** Whether the failure is one of the statement alone, which the next one does not share. */
  static boolean isOfTheStatement(Throwable failure) {
    return failure instanceof SQLException e
        ? OF_THE_STATEMENT.contains(e.getErrorCode())
        : failure instanceof RuntimeException;
  }

  /** Whether the connection is as good as before. */
  static boolean leavesTheConnection(Throwable failure) {
    return isOfTheStatement(failure)
        || failure instanceof SQLException e && e.getErrorCode() == FULL;
  }

  /** The failure in words, with the file and the way out. */
  public static BuildException of(Path file, Throwable failure) {
    if (!(failure instanceof SQLException e)) {
      return BuildException.of(failure);
    }
    return switch (e.getErrorCode()) {
      case FULL -> noSpace(file, e);
      case NOMEM -> new BuildException(Kind.EXHAUSTED, "cannot use " + file + ": out of memory", e);
      case READONLY ->
          new BuildException(
              Kind.INTERNAL, "cannot write " + file + ": it is read-only; mount it writable", e);
      case IOERR ->
          switch (DiskProbe.beside(file)) {
            case NO_SPACE -> noSpace(file, e);
            case OVER_QUOTA ->
                new BuildException(
                    Kind.EXHAUSTED,
                    "cannot write " + file + ": disk quota exceeded; free some, or raise the quota",
                    e);
            case OTHER ->
                new BuildException(
                    Kind.INTERNAL,
                    "cannot use "
                        + file
                        + ": input/output error; look after the disk ("
                        + text(e)
                        + ")",
                    e);
          };
      case CORRUPT, NOTADB ->
          new BuildException(
              Kind.INTERNAL,
              file
                  + " is damaged ("
                  + text(e)
                  + "): stop the daemon and move it away, to begin with an empty one",
              e);
      default -> new BuildException(Kind.INTERNAL, "cannot use " + file + ": " + text(e), e);
    };
  }

  private static BuildException noSpace(Path file, SQLException cause) {
    return new BuildException(
        Kind.EXHAUSTED,
        "cannot write " + file + ": no space left on device; free some, and try again",
        cause);
  }

  private static String text(SQLException e) {
    return String.valueOf(e.getMessage());
  }
}
