package dev.kiln.exec;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * Turns {@code name|uid[:group|gid]} into numbers by the root directory's {@code passwd} and {@code
 * group}. Pure. Rules: BuildKit v0.22 {@code executor/oci/user.go}, moby/sys/user {@code
 * GetExecUser}.
 */
final class Users {
  private static final long MAX_ID = (1L << 31) - 1;
  private static final long MAX_NUMERIC_PAIR = (1L << 32) - 1;

  private Users() {}

  /** Who a process runs as; the groups start with the primary one. Immutable. */
  record User(long uid, long gid, List<Long> groups) {
    User(long uid, long gid, List<Long> groups) {
      this.uid = uid;
      this.gid = gid;
      var all = new ArrayList<Long>();
      if (!groups.contains(gid)) {
        all.add(gid);
      }
      all.addAll(groups);
      this.groups = List.copyOf(all);
    }
  }

  /**
   * @param passwd text of {@code /etc/passwd}, empty where there is none; {@code group} likewise
   * @throws BuildException {@code INVALID} for a name that is not there
   */
  static User resolve(String spec, String passwd, String group) {
    if (spec.isEmpty()) {
      return find("0", "", passwd, group, true);
    }
    int colon = spec.indexOf(':');
    String userPart = colon < 0 ? spec : spec.substring(0, colon);
    String groupPart = colon < 0 ? "" : spec.substring(colon + 1);
    if (colon >= 0) {
      OptionalLong uid = pairNumber(userPart);
      OptionalLong gid = pairNumber(groupPart);
      if (uid.isPresent() && gid.isPresent()) { // numbers alone need no files
        return new User(uid.getAsLong(), gid.getAsLong(), List.of());
      }
    }
    return find(userPart, groupPart, passwd, group, false);
  }

  private static OptionalLong pairNumber(String text) {
    return text.equals("root") ? OptionalLong.of(0) : number(text, MAX_NUMERIC_PAIR);
  }

  private static OptionalLong number(String text, long max) {
    if (text.isEmpty() || text.length() > 10 || !text.chars().allMatch(c -> c >= '0' && c <= '9')) {
      return OptionalLong.empty();
    }
    long value = Long.parseLong(text);
    return value <= max ? OptionalLong.of(value) : OptionalLong.empty();
  }

  private static User find(
      String user, String group, String passwd, String groups, boolean lenient) {
    OptionalLong userNumber = number(user, MAX_ID);
    Optional<String[]> entry =
        lines(passwd, 4)
            .filter(f ->
                user.isEmpty()
                    ? f[2].equals("0")
                    : f[0].equals(user)
                        || userNumber.isPresent() && number(f[2], MAX_ID).equals(userNumber))
            .findFirst();
    long uid;
    long gid = 0;
    if (entry.isPresent()) {
      uid = number(entry.get()[2], MAX_ID).orElse(0);
      gid = number(entry.get()[3], MAX_ID).orElse(0);
    } else if (userNumber.isPresent()) {
      uid = userNumber.getAsLong();
    } else if (lenient) {
      return new User(0, 0, List.of());
    } else {
      throw new BuildException(
          Kind.INVALID, "unable to find user " + user + ": no matching entries in passwd file");
    }
    if (group.isEmpty()) {
      return new User(uid, gid, entry.map(e -> memberships(e[0], groups)).orElse(List.of()));
    }
    OptionalLong groupNumber = number(group, MAX_ID);
    Optional<String[]> found =
        lines(groups, 3)
            .filter(f ->
                f[0].equals(group)
                    || groupNumber.isPresent() && number(f[2], MAX_ID).equals(groupNumber))
            .findFirst();
    if (found.isPresent()) {
      return new User(uid, number(found.get()[2], MAX_ID).orElse(0), List.of());
    }
    if (groupNumber.isPresent()) {
      return new User(uid, groupNumber.getAsLong(), List.of());
    }
    throw new BuildException(
        Kind.INVALID, "unable to find group " + group + ": no matching entries in group file");
  }

  private static List<Long> memberships(String name, String groups) {
    return lines(groups, 4)
        .filter(f -> Arrays.asList(f[3].split(",")).contains(name))
        .map(f -> number(f[2], MAX_ID).orElse(0))
        .toList();
  }

  private static Stream<String[]> lines(String text, int fields) {
    return text.lines()
        .map(String::strip)
        .filter(line -> !line.isEmpty() && !line.startsWith("#"))
        .map(line -> line.split(":", 5)) // what comes after the fourth does not count
        .filter(f -> f.length >= fields);
  }
}
