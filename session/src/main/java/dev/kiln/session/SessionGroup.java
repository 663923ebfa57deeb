package dev.kiln.session;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.time.Duration;
import java.util.List;

/**
 * The sessions of all builds that want the same thing: any of them may provide it. Immutable. A
 * session that fails is not the end, the next one is asked (BuildKit v0.22, {@code
 * session/group.go}).
 */
public final class SessionGroup {
  private static final Duration WAIT = Duration.ofSeconds(5);
  private final Sessions sessions;
  private final List<String> ids;

  SessionGroup(Sessions sessions, List<String> ids) {
    this.sessions = sessions;
    this.ids = ids.stream().filter(id -> !id.isEmpty()).distinct().toList();
  }

  /** What is asked of one session. */
  @FunctionalInterface
  public interface Ask<T> {
    T of(ClientSession session) throws InterruptedException;
  }

  /** In the order in which they are asked. */
  public List<String> ids() {
    return ids;
  }

  public boolean isEmpty() {
    return ids.isEmpty();
  }

  /** Whether one of them is connected, or there is none to ask. */
  public boolean isReachable() {
    return ids.isEmpty() || ids.stream().anyMatch(id -> sessions.find(id).isPresent());
  }

  /** This group with {@code id} asked first. */
  public SessionGroup preferring(String id) {
    var all = new java.util.ArrayList<String>();
    all.add(id);
    all.addAll(ids);
    return new SessionGroup(sessions, all);
  }

  /**
   * The first answer; blocks. Each session is waited for as long as a client may need to connect.
   *
   * @throws BuildException that of the last session asked; {@code UNKNOWN} where there is none
   */
  public <T> T any(Ask<T> ask) throws InterruptedException {
    BuildException last = new BuildException(Kind.UNKNOWN, "no active sessions");
    for (String id : ids) {
      try {
        return ask.of(sessions.get(id, WAIT));
      } catch (BuildException e) {
        last = e;
      }
    }
    throw last;
  }
}
