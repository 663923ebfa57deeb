package dev.kiln.sources.git;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.llb.SourceOp;
import dev.kiln.model.BuildException;
import dev.kiln.model.StepProgress;
import dev.kiln.sources.SourceFixture;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How git reaches remotes by ssh: seen in the environment that git hands to its programs. */
class GitAccessTest {
  @TempDir Path folder;
  private SourceFixture fixture;

  @BeforeEach
  void start() throws Exception {
    fixture = new SourceFixture(folder);
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  private GitAccess open(Map<String, String> attrs) throws Exception {
    return GitAccess.open(
        GitId.of(new SourceOp("git://git@host/repo.git", attrs)), fixture.sessions());
  }

  private static String variable(GitAccess access, String name) throws Exception {
    return access
        .command(StepProgress.NONE, Optional.empty())
        .run("-c", "alias.tell=!printf %s \"$" + name + "\"", "tell");
  }

  @Test
  void hostsAreNotCheckedWithoutAListAndNoAgentIsLent() throws Exception {
    try (GitAccess access = open(Map.of())) {
      assertThat(variable(access, "GIT_SSH_COMMAND"))
          .isEqualTo("ssh -F /dev/null -o StrictHostKeyChecking=no");
      assertThat(variable(access, "SSH_AUTH_SOCK")).isEmpty();
    }
  }

  @Test
  void knownHostsAreAFileForTheCall() throws Exception {
    Path file;
    try (GitAccess access = open(Map.of("git.knownsshhosts", "host ssh-ed25519 AAAA"))) {
      String command = variable(access, "GIT_SSH_COMMAND");
      assertThat(command)
          .startsWith("ssh -F /dev/null -o UserKnownHostsFile=")
          .doesNotContain("StrictHostKeyChecking");
      file = Path.of(command.substring(command.indexOf('=') + 1));
      assertThat(Files.readString(file)).isEqualTo("host ssh-ed25519 AAAA");
    }
    assertThat(file).doesNotExist();
  }

  @Test
  void theClientsAgentIsASocketForTheCall() throws Exception {
    Path socket;
    try (GitAccess access = open(Map.of("git.mountsshsock", "default"))) {
      socket = Path.of(variable(access, "SSH_AUTH_SOCK"));
      assertThat(socket).exists();
    }
    assertThat(socket).doesNotExist();
  }

  @Test
  void anAgentThatTheClientDoesNotForwardIsNamed() {
    assertThatThrownBy(() -> open(Map.of("git.mountsshsock", "other")))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("other");
  }
}
