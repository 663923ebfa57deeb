package dev.kiln.sources.git;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.model.StepProgress;
import dev.kiln.session.ClientSession;
import dev.kiln.session.Secrets;
import dev.kiln.session.SessionGroup;
import dev.kiln.session.SshAgent;
import dev.kiln.sys.Processes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What it takes to reach one remote: secret headers, an ssh agent's socket, known hosts. Confined
 * to one call; who opened it closes it, which removes socket and file.
 */
final class GitAccess implements AutoCloseable {
  private final Map<String, String> config = new LinkedHashMap<>();
  private final Map<String, String> environment = new LinkedHashMap<>();
  private final List<AutoCloseable> open = new ArrayList<>();

  private GitAccess() {}

  static GitAccess open(GitId id, SessionGroup sessions) throws IOException, InterruptedException {
    var access = new GitAccess();
    try {
      // Configured here, the address with what is secret in it never gets to disk.
      access.config.put("remote.origin.url", id.remote());
      access.config.put("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*");
      access.config.put("init.defaultBranch", "master");
      authorization(id, sessions)
          .ifPresent(value ->
              access.config.put(
                  "http." + tokenScope(id.remote()) + ".extraheader", "Authorization: " + value));
      access.openSsh(id, sessions);
      return access;
    } catch (IOException | InterruptedException | RuntimeException e) {
      access.close();
      throw e;
    }
  }

  private void openSsh(GitId id, SessionGroup sessions) throws IOException, InterruptedException {
    var ssh = new StringBuilder("ssh -F /dev/null");
    if (id.knownHosts().isEmpty()) {
      ssh.append(" -o StrictHostKeyChecking=no");
    } else {
      Path file = Files.createTempFile("known-hosts-", "");
      open.add(() -> Files.deleteIfExists(file));
      Files.writeString(file, id.knownHosts());
      ssh.append(" -o UserKnownHostsFile=").append(file);
    }
    environment.put("GIT_SSH_COMMAND", ssh.toString());
    if (!id.sshId().isEmpty()) {
      ClientSession session =
          sessions.any(candidate -> {
            try {
              SshAgent.check(candidate, id.sshId());
              return candidate;
            } catch (BuildException e) {
              throw e.kind() == Kind.UNSUPPORTED
                  ? new BuildException(
                      Kind.UNKNOWN, "no SSH key \"" + id.sshId() + "\" forwarded from the client")
                  : e;
            }
          });
      int user = Processes.effectiveUser();
      SshAgent agent = SshAgent.open(session, id.sshId(), new SshAgent.Owner(user, user, 0700));
      open.add(agent);
      environment.put("SSH_AUTH_SOCK", agent.socket().toString());
    }
  }

  /**
   * The Authorization header: secrets named for the host come first, headers before tokens. None of
   * them need be there.
   */
  private static Optional<String> authorization(GitId id, SessionGroup sessions)
      throws InterruptedException {
    for (String suffix : List.of("." + id.host(), "")) {
      Optional<byte[]> header = secret(sessions, id.headerSecret(), suffix);
      if (header.isPresent()) {
        return header.map(h -> new String(h, StandardCharsets.UTF_8));
      }
      Optional<byte[]> token = secret(sessions, id.tokenSecret(), suffix);
      if (token.isPresent()) {
        String pair = "x-access-token:" + new String(token.get(), StandardCharsets.UTF_8);
        return Optional.of(
            "basic " + Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8)));
      }
    }
    return Optional.empty();
  }

  private static Optional<byte[]> secret(SessionGroup sessions, String name, String suffix)
      throws InterruptedException {
    if (name.isEmpty() || sessions.isEmpty()) {
      return Optional.empty();
    }
    try {
      return Optional.of(Secrets.get(sessions, name + suffix));
    } catch (BuildException e) {
      return Optional.empty();
    }
  }

  /** GitHub's tokens are good for all of it, so that its submodules can be read too. */
  private static String tokenScope(String remote) {
    for (String prefix : List.of("https://github.com/", "https://www.github.com/")) {
      if (remote.startsWith(prefix)) {
        return prefix;
      }
    }
    return remote;
  }

  GitCommand command(StepProgress progress, Optional<Path> gitDir) {
    return new GitCommand(progress, gitDir, Optional.empty(), config, environment);
  }

  @Override
  public void close() {
    for (AutoCloseable one : open.reversed()) {
      try {
        one.close();
      } catch (Exception e) {
        org.slf4j.LoggerFactory.getLogger(GitAccess.class).warn("cannot clean up after git", e);
      }
    }
    open.clear();
  }
}
