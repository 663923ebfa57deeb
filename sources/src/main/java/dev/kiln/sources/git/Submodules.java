package dev.kiln.sources.git;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;

/** The submodules of one checkout, and theirs. Confined to one thread; blocks in git. */
final class Submodules {
  private final GitCommand git;
  private final Path gitDir;
  private final Path tree;

  /**
   * @param git with the remote's address, which names of submodules may be relative to
   * @param gitDir in {@code tree}, or a repository that outlives it
   */
  Submodules(GitCommand git, Path gitDir, Path tree) {
    this.git = git;
    this.gitDir = gitDir;
    this.tree = tree;
  }

  /** Checks them out, as the commit names them; nothing where it names none. */
  void update() throws IOException, InterruptedException {
    if (!Files.exists(tree.resolve(".gitmodules"), LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    GitCommand plain = git.withoutRemote().in(gitDir, tree);
    if (gitDir.startsWith(tree)) {
      checkOut(plain);
      return;
    }
    try {
      updateKept(git.in(gitDir, tree), plain);
    } finally {
      forget(plain);
    }
    removeGitFiles();
  }

  private static void checkOut(GitCommand plain) throws IOException, InterruptedException {
    plain.run("submodule", "update", "--init", "--recursive", "--depth=1");
  }

  /** Their repositories are kept by name; another commit may mean another one by it. */
  private void updateKept(GitCommand named, GitCommand plain)
      throws IOException, InterruptedException {
    Path kept = gitDir.resolve("modules");
    boolean used = Files.exists(kept);
    named.run("submodule", "init");
    try {
      checkOut(plain);
    } catch (BuildException e) {
      if (!used || e.kind() == Kind.CANCELED) {
        throw e;
      }
      plain.run("submodule", "deinit", "--all", "--force"); // what is checked out by now
      Trees.delete(kept);
      named.run("submodule", "init");
      checkOut(plain);
    }
  }

  /** The next checkout may have others of the same name, and addresses may hold passwords. */
  private static void forget(GitCommand plain) throws IOException, InterruptedException {
    String names =
        plain
            .attempt(List.of("config", "--local", "--name-only", "--get-regexp", "^submodule\\."))
            .stdout();
    for (String name : names.lines().distinct().toList()) {
      plain.run("config", "--local", "--unset-all", name);
    }
  }

  /** They lead to folders of this machine, other ones each time. No commit can hold such a file. */
  private void removeGitFiles() throws IOException {
    Files.walkFileTree(
        tree,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            if (file.endsWith(".git")) {
              Files.delete(file);
            }
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
