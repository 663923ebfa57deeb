package dev.kiln.session;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What a client says of itself when it opens a session. Immutable. Header names: BuildKit v0.22,
 * {@code session/session.go}.
 *
 * @param sharedKey names the client's machine and directory; files synced under one key are kept
 *     for the next session with it. Empty where absent
 * @param methods full names such as {@code /moby.filesync.v1.FileSync/DiffCopy}, in lower case
 */
public record SessionMetadata(String id, String name, String sharedKey, Set<String> methods) {
  private static final String PREFIX = "x-docker-expose-session-";
  public static final String ID_HEADER = PREFIX + "uuid";
  public static final String NAME_HEADER = PREFIX + "name";
  public static final String SHARED_KEY_HEADER = PREFIX + "sharedkey";
  public static final String METHOD_HEADER = PREFIX + "grpc-method";

  public SessionMetadata {
    var lower = new HashSet<String>();
    methods.forEach(m -> lower.add(m.toLowerCase(Locale.ROOT)));
    methods = Set.copyOf(lower);
  }

  /**
   * From the call's metadata; names in any case.
   *
   * @throws BuildException {@code INVALID} without an id
   */
  public static SessionMetadata of(Map<String, List<String>> headers) {
    var byName = new HashMap<String, List<String>>();
    headers.forEach((name, values) -> byName.put(name.toLowerCase(Locale.ROOT), values));
    String id = first(byName, ID_HEADER);
    if (id.isEmpty()) {
      throw new BuildException(Kind.INVALID, "a session needs an id in " + ID_HEADER);
    }
    return new SessionMetadata(
        id,
        first(byName, NAME_HEADER),
        first(byName, SHARED_KEY_HEADER),
        Set.copyOf(byName.getOrDefault(METHOD_HEADER, List.of())));
  }

  private static String first(Map<String, List<String>> headers, String name) {
    List<String> values = headers.getOrDefault(name, List.of());
    return values.isEmpty() ? "" : values.getFirst();
  }
}
