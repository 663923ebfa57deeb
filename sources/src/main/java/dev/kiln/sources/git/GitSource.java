package dev.kiln.sources.git;

import com.google.re2j.Pattern;
import dev.kiln.llb.SourceOp;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.FilePaths;
import dev.kiln.model.Kind;
import dev.kiln.session.SessionGroup;
import dev.kiln.session.Sessions;
import dev.kiln.sources.Material;
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
import dev.kiln.tracing.Redaction;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

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
    if (!id.checksum().isEmpty() && !Pattern.matches("[a-fA-F0-9]+", id.checksum())) {
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
          RemoteRefs.resolve(
              ref, fetching(() -> git.run("ls-remote", "--", "origin", ref, ref + "^{}")));
      checkChecksum(resolved.commit());
      return new SourceKey(id.key(resolved.commit(), resolved.ref()), resolved.commit(), true);
    }
  }

  private SessionGroup group(SourceContext context) {
    return sessions.group(context::sessionIds);
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
        .map(GitUrl::checkedRef)
        .orElseThrow(() ->
            new BuildException(
                Kind.UNKNOWN, "could not find default branch for repository: " + redacted()));
  }

  @Override
  public Optional<RefId> snapshot(SourceContext context) throws IOException, InterruptedException {
    SourceKey key = key(0, context);
    String indexKey = "git-snapshot:" + key.key() + ":" + id.subdir();
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
      fetch(git, repository, ref, key.pin());
      RefId checkout = checkOut(git, repository, ref, key.pin(), context);
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

  /** Brings the commit, and the ref for which it stands. */
  private void fetch(GitCommand git, Path repository, String ref, String commit)
      throws IOException, InterruptedException {
    if (GitUrl.isCommit(ref)) {
      checkChecksum(ref);
      if (!has(git, ref)) {
        fetchCommit(git, repository, ref);
      }
      return;
    }
    unlock(repository);
    // A local ref is told to the server by the next fetch; forced, for a branch moves.
    String refSpec = ref + ":tags/" + ref;
    fetching(() -> git.run("fetch", "--depth=1", "--no-tags", "--force", "--", "origin", refSpec));
    settle(git, repository, ref, commit);
  }

  private static boolean has(GitCommand git, String commit)
      throws IOException, InterruptedException {
    return git.attempt(List.of("cat-file", "-e", commit + "^{commit}")).ok();
  }

  /**
   * Makes the ref mean the commit that the key names. What the server says when it is asked and
   * what it gives afterwards may differ, and the key is that of every other repository with the
   * commit.
   */
  private void settle(GitCommand git, Path repository, String ref, String commit)
      throws IOException, InterruptedException {
    String local = localName(ref);
    String got =
        named(
                "failed to rev-parse " + ref + " for " + redacted(),
                () -> git.run("rev-parse", "--verify", "--end-of-options", local + "^{commit}"))
            .strip();
    if (got.equals(commit)) {
      return;
    }
    if (id.checksum().equals(commit)) {
      checkChecksum(got);
    }
    if (!has(git, commit)) {
      fetchCommit(git, repository, commit);
    }
    if (!has(git, commit)) {
      throw new BuildException(
          Kind.UNKNOWN,
          "fetched ref "
              + ref
              + " does not match expected commit "
              + commit
              + " and commit can not be found in the repository");
    }
    git.run("update-ref", local, commit);
  }

  /** What a ref of the remote is called in the kept repository. */
  static String localName(String ref) {
    return GitUrl.isCommit(ref) ? ref : "refs/tags/" + ref;
  }

  private void fetchCommit(GitCommand git, Path repository, String commit)
      throws IOException, InterruptedException {
    unlock(repository);
    var args = new ArrayList<String>(List.of("fetch", "--tags"));
    if (Files.exists(repository.resolve("shallow"))) {
      args.add("--unshallow");
    }
    args.addAll(List.of("--", "origin", commit));
    fetching(() -> git.run(args.toArray(String[]::new)));
  }

  /** Of a git that was killed. */
  private static void unlock(Path repository) throws IOException {
    Files.deleteIfExists(repository.resolve("shallow.lock"));
  }

  private RefId checkOut(
      GitCommand git, Path repository, String ref, String commit, SourceContext context)
      throws IOException, InterruptedException {
    RefOptions options =
        RefOptions.of("git snapshot for " + redacted() + "#" + ref)
            .withType(RecordType.GIT_CHECKOUT);
    try (ActiveRef checkout =
        refs.create(context.lease(), Optional.empty(), options, context.progress())) {
      Path to = checkout.mount();
      String subdir = FilePaths.clean("/" + id.subdir()).substring(1);
      Path tree = subdir.isEmpty() ? to : Files.createTempDirectory(to, "checkout");
      Path gitDir = repository;
      if (id.keepGitDir() && subdir.isEmpty()) {
        gitDir = to.resolve(".git");
        new KeptGitDir(git, repository, to, redacted()).checkOut(ref);
      } else {
        GitCommand inTree = git.in(repository, tree);
        named(
            "failed to checkout remote " + redacted(),
            () -> inTree.run("checkout", "--no-overlay", commit, "--", "."));
      }
      var submodules = new Submodules(git, gitDir, tree);
      named(
          "failed to update submodules for " + redacted(),
          () -> {
            submodules.update();
            return true;
          });
      if (!subdir.isEmpty()) {
        Subdirectory.move(tree, subdir, to);
      }
      return checkout.commit().id();
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
