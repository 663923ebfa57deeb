package dev.kiln.exec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.exec.Users.User;
import dev.kiln.model.BuildException;
import java.util.List;
import org.junit.jupiter.api.Test;

class UsersTest {
  private static final String PASSWD =
      "root:x:0:0:root:/root:/bin/sh\n# a comment\nalice:x:1000:100::/home/alice:/bin/sh\n";
  private static final String GROUP =
      "root:x:0:\nwheel:x:10:root,alice\nusers:x:100:\ndev:x:7:alice\n";

  @Test
  void aNameBringsItsGroups() {
    assertThat(Users.resolve("alice", PASSWD, GROUP))
        .isEqualTo(new User(1000, 100, List.of(100L, 10L, 7L)));
  }

  @Test
  void aNumberOfAKnownUserBringsItsGroupsToo() {
    assertThat(Users.resolve("1000", PASSWD, GROUP).groups()).containsExactly(100L, 10L, 7L);
  }

  @Test
  void aNamedGroupReplacesAllOthers() {
    assertThat(Users.resolve("alice:wheel", PASSWD, GROUP))
        .isEqualTo(new User(1000, 10, List.of(10L)));
  }

  @Test
  void twoNumbersNeedNoFiles() {
    assertThat(Users.resolve("4000000000:5", "", ""))
        .isEqualTo(new User(4000000000L, 5, List.of()));
    assertThat(Users.resolve("root:root", "", "")).isEqualTo(new User(0, 0, List.of(0L)));
  }

  @Test
  void nobodyMeansRootWithItsGroups() {
    assertThat(Users.resolve("", PASSWD, GROUP)).isEqualTo(new User(0, 0, List.of(0L, 10L)));
    assertThat(Users.resolve("", "", "")).isEqualTo(new User(0, 0, List.of(0L)));
  }

  @Test
  void anUnknownNumberIsTakenAsItIs() {
    assertThat(Users.resolve("77", PASSWD, GROUP)).isEqualTo(new User(77, 0, List.of(0L)));
  }

  @Test
  void anUnknownNameIsTold() {
    assertThatThrownBy(() -> Users.resolve("bob", PASSWD, GROUP))
        .isInstanceOf(BuildException.class)
        .hasMessage("unable to find user bob: no matching entries in passwd file");
    assertThatThrownBy(() -> Users.resolve("alice:nope", PASSWD, GROUP))
        .hasMessage("unable to find group nope: no matching entries in group file");
  }
}
