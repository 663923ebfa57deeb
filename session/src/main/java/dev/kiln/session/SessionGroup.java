package dev.kiln.session;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * The sessions of all builds that want the same thing: any of them may provide it. Any thread. A
 * session that fails is not the end: the next one is asked, also one that came while others were
 * (BuildKit v0.22, {@code session/group.go}).
 */
public final class SessionGroup {
  private static final Duration WAIT = Duration.ofSeconds(5);
  private final Sessions sessions;
  private final Supplier<List<String>> members;

  /**
   * @param members their ids now, empty ones apart; is asked again and again
   */
  SessionGroup(Sessions sessions, Supplier<List<String>> members) {
    this.sessions = sessions;
    this.members = members;
  }

  /** What is asked of one session. */
  @FunctionalInterface
  public interface Ask<T> {
    T of(ClientSession session) throws InterruptedException;
  }

  /** Those of now, in the order in which they are asked. */
  public List<String> ids() {
    return members.get().stream().filter(id -> !id.isEmpty()).distinct().toList();
  }

  public boolean isEmpty() {
    return ids().isEmpty();
  }

  /** Whether one of them is connected, or there is none to ask. */
  public boolean isReachable() {
    List<String> ids = ids();
    return ids.isEmpty() || ids.stream().anyMatch(id -> sessions.find(id).isPresent());
  }

  /** This group with {@code id} asked first. */
  public SessionGroup preferring(String id) {
    return new SessionGroup(
        sessions,
        () -> {
          var all = new ArrayList<>(List.of(id));
          all.addAll(members.get());
          return all;
        });
  }

  /**
   * The first answer; blocks. Each session is waited for as long as a client may need to connect.
   *
   * @throws BuildException that of the last session asked; {@code UNKNOWN} where there is none
   */
  public <T> T any(Ask<T> ask) throws InterruptedException {
    BuildException last = new BuildException(Kind.UNKNOWN, "no active sessions");
    var asked = new HashSet<String>();
    for (var next = next(asked); next.isPresent(); next = next(asked)) {
      asked.add(next.get());
      try {
        return ask.of(sessions.get(next.get(), WAIT));
      } catch (BuildException e) {
        last = e;
      }
    }
    throw last;
  }

  private Optional<String> next(Set<String> asked) {
    return ids().stream().filter(id -> !asked.contains(id)).findFirst();
  }
}
