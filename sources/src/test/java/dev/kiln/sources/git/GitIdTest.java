package dev.kiln.sources.git;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.llb.SourceOp;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

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
  void aPercentSignOfThePathNeedBeginNoEscape() {
    for (String path : List.of("100%", "a%zz/b", "%e2%")) {
      var op = new SourceOp("git://h/" + path, Map.of("git.fullurl", "http://h/" + path + ".git"));
      assertThat(GitId.of(op).remote()).isEqualTo("http://h/" + path + ".git");
    }
    assertThatThrownBy(() ->
            GitId.of(new SourceOp("git://h/100%", Map.of("git.fullurl", "https://h/100%25%"))))
        .hasMessage("git.fullurl does not match source identifier");
  }

  @Test
  void fullUrlReplacesTheRemote() {
    assertThat(GitId.of(new SourceOp("git://h/r#x", Map.of("git.fullurl", "git@h:r.git"))).remote())
        .isEqualTo("git@h:r.git");
    assertThatThrownBy(() -> GitUrl.parse("file:///etc"))
        .hasMessageContaining("file: invalid protocol");
  }

  @Test
  void fullUrlIsTheSameRepositoryReachedOtherwise() {
    for (String full : List.of("http://u:p@H/r", "ssh://git@h/r.git", "git@h:r", "h/./r?x=1")) {
      assertThat(GitId.of(new SourceOp("git://h/r", Map.of("git.fullurl", full))).remote())
          .endsWith(full);
    }
    for (String full :
        List.of("https://evil/r", "https://h/other", "git@evil:r", "https://h@evil/r")) {
      assertThatThrownBy(() -> GitId.of(new SourceOp("git://h/r", Map.of("git.fullurl", full))))
          .hasMessage("git.fullurl does not match source identifier");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "git://h/r#--upload-pack=x",
        "git://h/r#-x",
        "git://h/r#-",
        "git://h/r#%2D-orphan",
        "git://h/r#a%0Ab",
      })
  void whatGitWouldTakeForAnOptionIsNoRef(String text) {
    assertThatThrownBy(() -> GitId.of(new SourceOp(text, Map.of())))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INVALID))
        .hasMessageStartingWith("invalid git ref \"");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ssh://-oProxyCommand=x/r",
        "ssh://-oProxyCommand=x@h/r",
        "ssh://u@-oProxyCommand=x/r",
        "git://-h/r",
        "-o@h:r",
        "a@-o:r",
        "a@h:-r",
        "ext::sh -c id",
        "file:///etc",
        "fd::17",
        "https://h/r\0x",
        "https://h/r\n[core]",
      })
  void addressesThatReachNoRepositoryAreRefused(String text) {
    assertThatThrownBy(() -> GitUrl.parse(text)).isInstanceOf(BuildException.class);
  }

  @Test
  void aRefThatTheServerNamesIsCheckedToo() {
    String output = "ref: refs/heads/--upload-pack=x\tHEAD\n";
    assertThatThrownBy(() -> RemoteRefs.defaultBranch(output).map(GitUrl::checkedRef))
        .hasMessage("invalid git ref \"--upload-pack=x\"");
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
