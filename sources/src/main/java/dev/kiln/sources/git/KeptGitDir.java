package dev.kiln.sources.git;

import dev.kiln.model.BuildException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;

/**
 * A checkout that keeps its {@code .git}: a repository of its own with the one commit, whose origin
 * is the remote without credentials, and in which nothing differs from one build to the next.
 */
final class KeptGitDir {
  private final GitCommand git;
  private final Path repository;
  private final Path to;
  private final String shownRemote;

  KeptGitDir(GitCommand git, Path repository, Path to, String shownRemote) {
    this.git = git;
    this.repository = repository;
    this.to = to;
    this.shownRemote = shownRemote;
  }

  void checkOut(String ref) throws IOException, InterruptedException {
    GitCommand own = git.plainIn(to.resolve(".git"), to);
    own.run("-c", "init.defaultBranch=master", "init");
    // By the file protocol: git's shortcut for local clones has leaked files of the machine.
    own.run("remote", "add", "origin", "file://" + repository);
    own.run("fetch", "-u", "--depth=1", "--", "origin", refSpec(ref));
    try {
      own.run("checkout", "FETCH_HEAD");
    } catch (BuildException e) {
      throw e.wrap("failed to checkout remote " + shownRemote);
    }
    own.run("remote", "set-url", "origin", shownRemote);
    own.run("reflog", "expire", "--all", "--expire=now");
    Files.deleteIfExists(to.resolve(".git/FETCH_HEAD")); // names this machine's folder
  }

  private String refSpec(String ref) throws IOException, InterruptedException {
    String local = GitSource.localName(ref);
    if (git.run("cat-file", "-t", local).strip().equals("tag")) {
      return local + ":refs/tags/" + ref;
    }
    if (GitUrl.isCommit(ref)) {
      String name = "refs/kiln/" + UUID.randomUUID();
      git.run("update-ref", name, ref);
      return name;
    }
    return local + ":" + ref;
  }
}
