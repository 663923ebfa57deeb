package dev.kiln.sources.git;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.llb.SourceOp;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Expected values: BuildKit v0.22's {@code source/git} and {@code util/gitutil}. */
class GitIdTest {
  @ParameterizedTest
  @CsvSource({
    "github.com/a/b.git#main, https://github.com/a/b.git, github.com, main, ''",
    "git://h:9418/r#b:d/e/, git://h:9418/r, h:9418, b, d/e/",
    "https://u:p@h/r#:d, https://u:p@h/r, h, '', d",
    "git@github.com:a/b.git#v1:sub, git@github.com:a/b.git, '', v1, sub",
    "ssh://foo%40bar.com@h/r.git, ssh://foo%40bar.com@h/r.git, h, '', ''",
    "https://h/r#a%20b:/, https://h/r, h, a b, ''",
  })
  void identifierIsRemoteRefAndFolder(
      String text, String remote, String host, String ref, String subdir) {
    GitId id = GitId.of(new SourceOp("git://" + text, Map.of()));
    assertThat(id.remote()).isEqualTo(remote);
    assertThat(id.host()).isEqualTo(host);
    assertThat(id.ref()).isEqualTo(ref);
    assertThat(id.subdir()).isEqualTo(subdir);
  }

  @Test
  void fullUrlReplacesTheRemote() {
    assertThat(GitId.of(new SourceOp("git://h/r#x", Map.of("git.fullurl", "git@h:r.git"))).remote())
        .isEqualTo("git@h:r.git");
    assertThatThrownBy(() -> GitUrl.parse("file:///etc"))
        .hasMessageContaining("file: invalid protocol");
  }

  @Test
  void keyNamesWhatCounts() {
    String sha = "a".repeat(40);
    GitId plain = GitId.of(new SourceOp("git://h/r#x:d", Map.of()));
    assertThat(plain.key(sha, "refs/heads/x")).isEqualTo(sha + ":d");
    GitId kept = GitId.of(new SourceOp("git://h/r#x", Map.of("git.keepgitdir", "true")));
    assertThat(kept.key(sha, "refs/heads/x")).isEqualTo(sha + ".git#refs/heads/x");
    assertThat(kept.key(sha, "")).isEqualTo(sha + ".git");
  }

  @ParameterizedTest
  @CsvSource({
    "x, 1, refs/heads/x", // a branch wins over a tag
    "y, 4, refs/tags/y", // the commit of an annotated tag
    "heads/x, 1, refs/heads/x",
    "refs/tags/x, 2, refs/tags/x",
    "pull/7/head, 5, refs/pull/7/head",
  })
  void refsResolveInGitsOrder(String ref, String digit, String full) {
    String output =
        line("1", "refs/heads/x")
            + line("2", "refs/tags/x")
            + line("3", "refs/tags/y")
            + line("4", "refs/tags/y^{}")
            + line("5", "refs/pull/7/head");
    RemoteRefs.Resolved found = RemoteRefs.resolve(ref, output);
    assertThat(found.commit()).isEqualTo(digit.repeat(40));
    assertThat(found.ref()).isEqualTo(full);
  }

  private static String line(String digit, String ref) {
    return digit.repeat(40) + "\t" + ref + "\n";
  }

  @Test
  void absentRefsAreNamed() {
    assertThatThrownBy(() -> RemoteRefs.resolve("gone", ""))
        .hasMessageContaining("repository does not contain ref gone");
  }
}
