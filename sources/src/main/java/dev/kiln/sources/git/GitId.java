package dev.kiln.sources.git;

import dev.kiln.llb.SourceOp;
import dev.kiln.model.BuildException;
import dev.kiln.model.FilePaths;
import dev.kiln.model.Kind;

/**
 * What a git source op names. Immutable. (BuildKit v0.22 {@code source/git/source.go}.)
 *
 * @param host of the remote, by which secrets are looked up first
 * @param ref empty for the default branch
 * @param checksum hex digits that the commit must begin with, or empty
 * @param subdir empty for the whole tree
 * @param keepGitDir whether {@code .git} is part of the result
 * @param tokenSecret id of a secret with a token, or empty
 * @param headerSecret id of a secret with an Authorization header, or empty
 * @param knownHosts text of a known_hosts file, or empty
 * @param sshId id of a forwarded ssh agent, or empty
 */
record GitId(
    String remote,
    String host,
    String ref,
    String checksum,
    String subdir,
    boolean keepGitDir,
    String tokenSecret,
    String headerSecret,
    String knownHosts,
    String sshId) {
  static GitId of(SourceOp op) {
    String text = op.rest();
    GitUrl url = GitUrl.parse(GitUrl.isTransport(text) ? text : "https://" + text);
    String remote = url.remote();
    String host = url.host();
    if (op.attr("git.fullurl").isPresent()) {
      String address = op.attr("git.fullurl").get();
      GitUrl full = GitUrl.parse(GitUrl.isTransport(address) ? address : "https://" + address);
      // Policies see the identifier only (BuildKit v0.34 source/git/identifier.go).
      if (!full.isSameRepository(url)) {
        throw new BuildException(Kind.INVALID, "git.fullurl does not match source identifier");
      }
      remote = full.remote();
      host = full.host();
    }
    String subdir = FilePaths.clean(url.subdir());
    return new GitId(
        remote,
        host,
        GitUrl.checkedRef(url.ref()),
        op.attr("git.checksum").orElse(""),
        subdir.equals("/") || subdir.equals(".") ? "" : url.subdir(),
        op.attr("git.keepgitdir").orElse("").equals("true"),
        op.attr("git.authtokensecret").orElse(""),
        op.attr("git.authheadersecret").orElse(""),
        op.attr("git.knownsshhosts").orElse(""),
        op.attr("git.mountsshsock").orElse(""));
  }

  /** The key of a commit, reached through {@code usedRef} where that counts. */
  String key(String commit, String usedRef) {
    var key = new StringBuilder(commit);
    if (keepGitDir) {
      key.append(".git");
      if (!usedRef.isEmpty()) {
        key.append('#').append(usedRef);
      }
    }
    if (!subdir.isEmpty()) {
      key.append(':').append(subdir);
    }
    return key.toString();
  }
}
