package dev.kiln.sources.git;

import dev.kiln.llb.SourceOp;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.FilePaths;
import dev.kiln.model.Kind;
import dev.kiln.session.SessionGroup;
import dev.kiln.session.Sessions;
import dev.kiln.sources.Material;
import dev.kiln.sources.Redaction;
import dev.kiln.sources.Source;
import dev.kiln.sources.SourceContext;
import dev.kiln.sources.SourceKey;
import dev.kiln.store.ActiveRef;
import dev.kiln.store.MutableRef;
import dev.kiln.store.RecordType;
import dev.kiln.store.RefId;
import dev.kiln.store.RefOptions;
import dev.kiln.store.Refs;
import dev.kiln.store.Sharing;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;

/**
 * A commit of a git repository. Each remote has one bare repository that is kept between builds and
 * fetched into; each commit that was checked out is kept as well. Blocks in processes: belongs on a
 * platform thread.
 *
 * <p>Order of what is asked of git, and keys: BuildKit v0.22 {@code source/git/source.go}.
 */
public final class GitSource implements Source {
  private final GitId id;
  private final Sessions sessions;
  private final Refs refs;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile Optional<SourceKey> known = Optional.empty();

  public GitSource(SourceOp op, Sessions sessions, Refs refs) {
    this.id = GitId.of(op);
    this.sessions = sessions;
    this.refs = refs;
  }

  @Override
  public SourceKey key(int index, SourceContext context) throws IOException, InterruptedException {
    lock.lockInterruptibly();
    try {
      if (known.isEmpty()) {
        known = Optional.of(find(context));
      }
      return known.get();
    } finally {
      lock.unlock();
    }
  }

  private SourceKey find(SourceContext context) throws IOException, InterruptedException {
    if (!id.checksum().isEmpty() && !id.checksum().matches("[a-fA-F0-9]+")) {
      throw new BuildException(
          Kind.INVALID,
          "invalid checksum " + id.checksum() + " for Git URL, expected hex commit hash");
    }
    // A full commit needs no question; that it is the one that was asked for shows at checkout.
    if (GitUrl.isCommit(id.checksum()) && !id.keepGitDir()) {
      return new SourceKey(id.key(id.checksum(), id.ref()), id.checksum(), true);
    }
    if (GitUrl.isCommit(id.ref())) {
      return new SourceKey(id.key(id.ref(), ""), id.ref(), true);
    }
    try (GitAccess access = GitAccess.open(id, group(context))) {
      GitCommand git = access.command(context.progress(), Optional.empty());
      String ref = refOrDefault(git);
      RemoteRefs.Resolved resolved =
          RemoteRefs.resolve(ref, fetching(() -> git.run("ls-remote", "origin", ref, ref + "^{}")));
      checkChecksum(resolved.commit());
      return new SourceKey(id.key(resolved.commit(), resolved.ref()), resolved.commit(), true);
    }
  }

  private SessionGroup group(SourceContext context) {
    return sessions.group(context.sessionIds());
  }

  private String redacted() {
    return Redaction.of(id.remote());
  }

  private interface Call<T> {
    T run() throws IOException, InterruptedException;
  }

  private <T> T fetching(Call<T> call) throws IOException, InterruptedException {
    return named("failed to fetch remote " + redacted(), call);
  }

  private static <T> T named(String what, Call<T> call) throws IOException, InterruptedException {
    try {
      return call.run();
    } catch (BuildException e) {
      throw e.kind() == Kind.CANCELED ? e : e.wrap(what);
    }
  }

  private void checkChecksum(String commit) {
    if (!id.checksum().isEmpty() && !commit.startsWith(id.checksum())) {
      throw new BuildException(
          Kind.INVALID, "expected checksum to match " + id.checksum() + ", got " + commit);
    }
  }

  private String refOrDefault(GitCommand git) throws IOException, InterruptedException {
    if (!id.ref().isEmpty()) {
      return id.ref();
    }
    String output =
        named(
            "error fetching default branch for repository " + redacted(),
            () -> git.run("ls-remote", "--symref", "origin", "HEAD"));
    return RemoteRefs.defaultBranch(output)
        .orElseThrow(() ->
            new BuildException(
                Kind.UNKNOWN, "could not find default branch for repository: " + redacted()));
  }

  @Override
  public Optional<RefId> snapshot(SourceContext context) throws IOException, InterruptedException {
    String indexKey = "git-snapshot:" + key(0, context).key() + ":" + id.subdir();
    Optional<RefId> kept = kept(indexKey, context);
    if (kept.isPresent()) {
      return kept;
    }
    // By a hash, for the remote may have a password in it. Locked: git wants it for itself.
    String remoteKey = "git-remote:" + Digest.of(id.remote()).hex();
    RefOptions options = RefOptions.of("shared git repo for " + redacted());
    try (MutableRef shared =
            refs.claim(context.lease(), remoteKey, Optional.empty(), Sharing.LOCKED, options);
        GitAccess access = GitAccess.open(id, group(context))) {
      Optional<RefId> byAnother = kept(indexKey, context);
      if (byAnother.isPresent()) {
        return byAnother;
      }
      Path repository = shared.mount();
      GitCommand git = access.command(context.progress(), Optional.of(repository));
      if (shared.isNew() || !Files.exists(repository.resolve("HEAD"))) {
        named("failed to init repo at " + redacted(), () -> git.run("init", "--bare", "--quiet"));
      }
      String ref = refOrDefault(git);
      fetch(git, repository, ref);
      RefId checkout = checkOut(git, repository, ref, context);
      refs.index(checkout, indexKey, "");
      return Optional.of(checkout);
    }
  }

  private Optional<RefId> kept(String indexKey, SourceContext context) {
    for (Refs.Indexed indexed : refs.indexed(indexKey)) {
      try {
        return Optional.of(refs.get(context.lease(), indexed.id()).id());
      } catch (BuildException e) {
        if (e.kind() != Kind.NOT_FOUND) {
          throw e;
        }
      }
    }
    return Optional.empty();
  }

  private void fetch(GitCommand git, Path repository, String ref)
      throws IOException, InterruptedException {
    boolean commit = GitUrl.isCommit(ref);
    if (commit && git.attempt(List.of("cat-file", "-e", ref + "^{commit}")).ok()) {
      return;
    }
    Files.deleteIfExists(repository.resolve("shallow.lock")); // of a git that was killed
    var args = new ArrayList<String>(List.of("fetch"));
    if (commit) {
      args.add("--tags");
      if (Files.exists(repository.resolve("shallow"))) {
        args.add("--unshallow");
      }
      args.addAll(List.of("origin", ref));
    } else {
      // A local ref is told to the server by the next fetch; forced, for a branch moves.
      args.addAll(List.of("--depth=1", "--no-tags", "origin", "--force", ref + ":tags/" + ref));
    }
    fetching(() -> git.run(args.toArray(String[]::new)));
    named(
        "failed to expire reflog for remote " + redacted(),
        () -> git.run("reflog", "expire", "--all", "--expire=now"));
  }

  private RefId checkOut(GitCommand git, Path repository, String ref, SourceContext context)
      throws IOException, InterruptedException {
    RefOptions options =
        RefOptions.of("git snapshot for " + redacted() + "#" + ref)
            .withType(RecordType.GIT_CHECKOUT);
    try (ActiveRef checkout =
        refs.create(context.lease(), Optional.empty(), options, context.progress())) {
      Path to = checkout.mount();
      if (!id.checksum().isEmpty()) {
        checkChecksum(
            named(
                    "failed to rev-parse " + ref + " for " + redacted(),
                    () -> git.run("rev-parse", ref))
                .strip());
      }
      String subdir = FilePaths.clean("/" + id.subdir()).substring(1);
      Path gitDir = repository;
      if (id.keepGitDir() && subdir.isEmpty()) {
        gitDir = to.resolve(".git");
        new KeptGitDir(git, repository, to, redacted()).checkOut(ref);
      } else {
        checkOutTree(git, repository, to, ref, subdir);
      }
      if (Files.exists(to.resolve(".gitmodules"), LinkOption.NOFOLLOW_LINKS)) {
        Path from = gitDir;
        named(
            "failed to update submodules for " + redacted(),
            () -> {
              updateSubmodules(git, from, to);
              return true;
            });
      }
      return checkout.commit().id();
    }
  }

  private void updateSubmodules(GitCommand git, Path gitDir, Path to)
      throws IOException, InterruptedException {
    GitCommand plain = git.withoutRemote().in(gitDir, to);
    boolean shared = !gitDir.startsWith(to);
    if (shared) {
      // Names that are relative to the remote are resolved here, where its address is known.
      git.in(gitDir, to).run("submodule", "init");
    }
    plain.run("submodule", "update", "--init", "--recursive", "--depth=1");
    if (shared) {
      // The next checkout may have others of the same name, and addresses may hold passwords.
      String names =
          plain
              .attempt(List.of("config", "--local", "--name-only", "--get-regexp", "^submodule\\."))
              .stdout();
      for (String name : names.lines().distinct().toList()) {
        plain.run("config", "--local", "--unset-all", name);
      }
    }
  }

  private void checkOutTree(GitCommand git, Path repository, Path to, String ref, String subdir)
      throws IOException, InterruptedException {
    Path tree = subdir.isEmpty() ? to : Files.createTempDirectory(to, "checkout");
    GitCommand inTree = git.in(repository, tree);
    named("failed to checkout remote " + redacted(), () -> inTree.run("checkout", ref, "--", "."));
    if (!subdir.isEmpty()) {
      Path from = tree.resolve(subdir);
      // A link in the repository must not lead to this machine's files.
      if (!Files.isDirectory(from) || !from.toRealPath().startsWith(tree.toRealPath())) {
        throw new BuildException(
            Kind.NOT_FOUND, "failed to open subdir " + subdir + ": no such file or directory");
      }
      try (Stream<Path> entries = Files.list(from)) {
        for (Path entry : entries.toList()) {
          Files.move(entry, to.resolve(entry.getFileName().toString()));
        }
      }
      Trees.delete(tree);
    }
  }

  @Override
  public Material material() {
    var secrets = new ArrayList<String>();
    if (!id.tokenSecret().isEmpty()) {
      secrets.add(id.tokenSecret());
    }
    if (!id.headerSecret().isEmpty()) {
      secrets.add(id.headerSecret());
    }
    return new Material.Git(
        redacted() + (id.ref().isEmpty() ? "" : "#" + id.ref()),
        known.map(SourceKey::pin).orElse(""),
        secrets,
        id.sshId().isEmpty() ? List.of() : List.of(id.sshId()));
  }
}
