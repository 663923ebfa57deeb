package dev.kiln.sources.git;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.BuildException;
import dev.kiln.sources.Material;
import dev.kiln.sources.Source;
import dev.kiln.sources.SourceFixture;
import dev.kiln.store.View;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GitSourceTest {
  @TempDir Path temp;
  private GitServer server;
  private SourceFixture fixture;
  private Path work;
  private String first;
  private String second;

  @BeforeEach
  void start() throws Exception {
    server = new GitServer(temp.resolve("repos"));
    fixture = new SourceFixture(temp.resolve("store"));
    work = server.create("repo");
    first = commit("a.txt", "one");
    GitServer.git(work, "tag", "-a", "v1", "-m", "first");
    Files.createDirectories(work.resolve("sub/deep"));
    second = commit("sub/deep/b.txt", "two");
    GitServer.git(work, "branch", "feature");
  }

  @AfterEach
  void stop() {
    fixture.close();
    server.close();
  }

  private String commit(String file, String text) throws IOException, InterruptedException {
    Files.writeString(work.resolve(file), text);
    GitServer.git(work, "add", "-A");
    GitServer.git(work, "commit", "-q", "-m", file);
    return GitServer.git(work, "rev-parse", "HEAD");
  }

  private Source open(String fragment, Map<String, String> attrs) {
    String url = "http://" + server.url("repo");
    var all = new java.util.HashMap<>(attrs);
    all.putIfAbsent("git.fullurl", url);
    return fixture.open("git://" + server.url("repo") + fragment, all);
  }

  private String key(Source source) throws IOException, InterruptedException {
    return source.key(0, fixture.context()).key();
  }

  @Test
  void defaultBranchIsCheckedOutWithoutItsHistory() throws Exception {
    Source source = open("", Map.of());
    assertThat(key(source)).isEqualTo(second);
    assertThat(source.material())
        .isEqualTo(new Material.Git("http://" + server.url("repo"), second, List.of(), List.of()));
    try (View view = fixture.view(source)) {
      assertThat(view.root().resolve("a.txt")).hasContent("one");
      assertThat(view.root().resolve("sub/deep/b.txt")).hasContent("two");
      assertThat(view.root().resolve(".git")).doesNotExist();
    }
  }

  @Test
  void tagsMeanTheirCommit() throws Exception {
    Source source = open("#v1", Map.of());
    assertThat(key(source)).isEqualTo(first);
    try (View view = fixture.view(source)) {
      assertThat(view.root().resolve("a.txt")).hasContent("one");
      assertThat(view.root().resolve("sub")).doesNotExist();
    }
  }

  @Test
  void fullCommitsNeedNoQuestionForTheirKey() throws Exception {
    Source source = open("#" + first, Map.of());
    assertThat(key(source)).isEqualTo(first);
    assertThat(server.authorizations).isEmpty();
    try (View view = fixture.view(source)) {
      assertThat(view.root().resolve("a.txt")).hasContent("one");
      assertThat(view.root().resolve("sub")).doesNotExist();
    }
    // from the kept repository, without the server
    server.close();
    try (View view = fixture.view(open("#" + first, Map.of("git.keepgitdir", "true")))) {
      assertThat(view.root().resolve("a.txt")).hasContent("one");
    }
  }

  @Test
  void branchesThatMoveAreFetchedAgain() throws Exception {
    key(open("#feature", Map.of()));
    try (View view = fixture.view(open("#feature", Map.of()))) {
      assertThat(view.root().resolve("c.txt")).doesNotExist();
    }
    GitServer.git(work, "checkout", "-q", "feature");
    String third = commit("c.txt", "three");
    Source again = open("#feature", Map.of());
    assertThat(key(again)).isEqualTo(third);
    try (View view = fixture.view(again)) {
      assertThat(view.root().resolve("c.txt")).hasContent("three");
    }
  }

  @Test
  void folderBecomesTheRoot() throws Exception {
    Source source = open("#main:sub/deep", Map.of());
    assertThat(key(source)).isEqualTo(second + ":sub/deep");
    try (View view = fixture.view(source)) {
      assertThat(view.root().resolve("b.txt")).hasContent("two");
      try (var entries = Files.list(view.root())) {
        assertThat(entries).hasSize(1);
      }
    }
    assertThatThrownBy(() -> fixture.view(open("#main:gone", Map.of())))
        .hasMessageContaining("failed to open subdir gone");
  }

  @Test
  void linksInTheRepositoryLeadNowhereElse() throws Exception {
    Files.createSymbolicLink(work.resolve("out"), Path.of("/etc"));
    GitServer.git(work, "add", "-A");
    GitServer.git(work, "commit", "-q", "-m", "link");
    assertThatThrownBy(() -> fixture.view(open("#main:out", Map.of())))
        .hasMessageContaining("git subpath \"out\" contains non-directory \"out\"");
    Files.createSymbolicLink(work.resolve("inside"), Path.of("sub"));
    GitServer.git(work, "add", "-A");
    GitServer.git(work, "commit", "-q", "-m", "inside");
    assertThatThrownBy(() -> fixture.view(open("#main:inside/deep", Map.of())))
        .hasMessageContaining("contains non-directory \"inside\"");
  }

  private void submodule(String repository, String path) throws Exception {
    Path other = server.create(repository);
    Files.writeString(other.resolve("o.txt"), repository);
    GitServer.git(other, "add", "-A");
    GitServer.git(other, "commit", "-q", "-m", "o");
    String url = "http://" + server.url(repository);
    GitServer.git(work, "submodule", "add", "-q", "--name", "mod", url, path);
    GitServer.git(work, "commit", "-q", "-m", "submodule");
  }

  @Test
  void aFolderHasItsSubmodulesAndMayBeOne() throws Exception {
    submodule("other", "sub/mod");
    try (View view = fixture.view(open("#main:sub", Map.of()))) {
      assertThat(view.root().resolve("mod/o.txt")).hasContent("other");
      assertThat(view.root().resolve("deep/b.txt")).hasContent("two");
    }
    try (View view = fixture.view(open("#main:sub/mod", Map.of()))) {
      assertThat(view.root().resolve("o.txt")).hasContent("other");
      assertThat(view.root().resolve(".git")).as("a path of this machine").doesNotExist();
    }
  }

  @Test
  void submodulesOfOtherCommitsAreNotInTheWay() throws Exception {
    submodule("other", "mod");
    GitServer.git(work, "branch", "before");
    GitServer.git(work, "rm", "-q", "mod");
    GitServer.git(work, "commit", "-q", "-m", "gone");
    Trees.delete(work.resolve(".git/modules"));
    submodule("another", "elsewhere"); // by the same name
    try (View view = fixture.view(open("#before", Map.of()))) {
      assertThat(view.root().resolve("mod/o.txt")).hasContent("other");
    }
    try (View view = fixture.view(open("#main", Map.of()))) {
      assertThat(view.root().resolve("elsewhere/o.txt")).hasContent("another");
      assertThat(view.root().resolve("mod")).doesNotExist();
    }
  }

  @Test
  void anotherCommitThanTheServerNamedIsNotTaken() throws Exception {
    Source honest = open("#main", Map.of());
    assertThat(key(honest)).isEqualTo(second);
    commit("evil.txt", "moved between question and fetch");
    try (View view = fixture.view(honest)) {
      assertThat(view.root().resolve("a.txt")).hasContent("one");
      assertThat(view.root().resolve("evil.txt")).doesNotExist();
    }
    // a server that names a commit of somebody else, and gives its own
    String fourth = commit("d.txt", "four");
    Source lying = open("#main", Map.of());
    assertThat(key(lying)).isEqualTo(fourth);
    GitServer.git(work, "checkout", "-q", "--orphan", "fresh");
    String other = commit("other.txt", "other");
    GitServer.git(work, "branch", "-f", "main", other);
    GitServer.git(work, "branch", "-D", "feature");
    GitServer.git(work, "tag", "-d", "v1");
    GitServer.git(work, "reflog", "expire", "--all", "--expire=now");
    GitServer.git(work, "gc", "-q", "--prune=now");
    assertThatThrownBy(() -> fixture.view(lying)).hasMessageContaining(fourth);
    Source now = open("#main", Map.of());
    assertThat(key(now)).isEqualTo(other);
    try (View view = fixture.view(now)) {
      assertThat(view.root().resolve("other.txt")).hasContent("other");
    }
  }

  @Test
  void aKeptGitDirHasTheCommitThatTheServerNamed() throws Exception {
    Source source = open("#main", Map.of("git.keepgitdir", "true"));
    key(source);
    commit("c.txt", "moved");
    try (View view = fixture.view(source)) {
      assertThat(GitServer.git(view.root(), "-c", "safe.directory=*", "rev-parse", "HEAD"))
          .isEqualTo(second);
      assertThat(view.root().resolve("c.txt")).doesNotExist();
    }
  }

  @Test
  void noHookOfARepositoryRuns() throws Exception {
    try (View view = fixture.view(open("#main", Map.of()))) {
      assertThat(view.root().resolve("a.txt")).exists();
    }
    try (var files = Files.walk(temp.resolve("store"))) {
      for (Path hooks : files.filter(p -> p.endsWith("hooks")).toList()) {
        Path hook = hooks.resolve("post-checkout");
        Files.writeString(hook, "#!/bin/sh\ntouch " + temp + "/ran\n");
        Files.setPosixFilePermissions(
            hook, java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-xr-x"));
      }
    }
    commit("c.txt", "three");
    try (View view = fixture.view(open("#main", Map.of()))) {
      assertThat(view.root().resolve("c.txt")).exists();
    }
    assertThat(temp.resolve("ran")).doesNotExist();
  }

  @Test
  void keptGitDirIsARepositoryWithoutSecrets() throws Exception {
    String remote = "http://user:geheim@" + server.url("repo");
    server.required =
        "Basic " + Base64.getEncoder().encodeToString("user:geheim".getBytes("UTF-8"));
    Source source = open("#main", Map.of("git.keepgitdir", "true", "git.fullurl", remote));
    assertThat(key(source)).isEqualTo(second + ".git#refs/heads/main");
    try (View view = fixture.view(source)) {
      Path dir = view.root();
      assertThat(GitServer.git(dir, "-c", "safe.directory=*", "rev-parse", "HEAD"))
          .isEqualTo(second);
      assertThat(dir.resolve(".git/config")).content().contains("xxxxx:xxxxx@");
      assertThat(dir.resolve(".git/FETCH_HEAD")).doesNotExist();
    }
    assertThat(source.material().toString()).contains("xxxxx:xxxxx@").doesNotContain("geheim");
    assertThat(filesWith("geheim")).isEmpty();
    assertThat(fixture.log.toString()).doesNotContain("geheim");
  }

  private List<Path> filesWith(String text) throws IOException {
    try (var files = Files.walk(temp.resolve("store"))) {
      return files
          .filter(Files::isRegularFile)
          .filter(f -> {
            try {
              return Files.readString(f, java.nio.charset.StandardCharsets.ISO_8859_1)
                  .contains(text);
            } catch (IOException e) {
              throw new java.io.UncheckedIOException(e);
            }
          })
          .toList();
    }
  }

  @Test
  void tokenIsTakenForTheHostFirstAndNeverShown() throws Exception {
    String host = server.url("").replaceFirst("/$", "");
    fixture.secrets.put("TOKEN", "wrong");
    fixture.secrets.put("TOKEN." + host, "right");
    server.required =
        "basic " + Base64.getEncoder().encodeToString("x-access-token:right".getBytes("UTF-8"));
    Source source = open("#main", Map.of("git.authtokensecret", "TOKEN"));
    assertThat(key(source)).isEqualTo(second);
    try (View view = fixture.view(source)) {
      assertThat(view.root().resolve("a.txt")).hasContent("one");
    }
    fixture.secrets.remove("TOKEN." + host);
    assertThatThrownBy(() -> key(open("#main", Map.of("git.authtokensecret", "TOKEN"))))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("failed to fetch remote");
    assertThat(fixture.log.toString()).doesNotContain("right").doesNotContain("wrong");
  }

  @Test
  void headerIsSentAsItIsAndBeforeTokens() throws Exception {
    fixture.secrets.put("HEADER", "bearer mine");
    fixture.secrets.put("TOKEN", "other");
    server.required = "bearer mine";
    var secrets = Map.of("git.authheadersecret", "HEADER", "git.authtokensecret", "TOKEN");
    assertThat(key(open("#main", secrets))).isEqualTo(second);
    assertThat(fixture.log.toString()).doesNotContain("mine");
  }

  @Test
  void checksumsMustFitAndBeHex() throws Exception {
    assertThat(key(open("#main", Map.of("git.checksum", second.substring(0, 8)))))
        .isEqualTo(second);
    assertThatThrownBy(() -> key(open("#main", Map.of("git.checksum", first.substring(0, 8)))))
        .hasMessageContaining("expected checksum to match " + first.substring(0, 8));
    assertThatThrownBy(() -> key(open("#main", Map.of("git.checksum", "xyz"))))
        .hasMessageContaining("invalid checksum xyz for Git URL");
    assertThatThrownBy(() -> fixture.view(open("#main", Map.of("git.checksum", first))))
        .hasMessageContaining("expected checksum to match " + first + ", got " + second);
  }

  @Test
  void submodulesComeAlongButNotThisMachinesFiles() throws Exception {
    Path other = server.create("other");
    Files.writeString(other.resolve("o.txt"), "other");
    GitServer.git(other, "add", "-A");
    GitServer.git(other, "commit", "-q", "-m", "o");
    GitServer.git(work, "submodule", "add", "-q", "http://" + server.url("other"), "mod");
    GitServer.git(work, "commit", "-q", "-m", "mod");
    try (View view = fixture.view(open("#main", Map.of()))) {
      assertThat(view.root().resolve("mod/o.txt")).hasContent("other");
    }
    GitServer.git(
        work,
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "add",
        "-q",
        "file://" + other,
        "evil");
    GitServer.git(work, "commit", "-q", "-m", "evil");
    assertThatThrownBy(() -> fixture.view(open("#main", Map.of())))
        .hasMessageContaining("failed to update submodules");
  }

  @Test
  void absentRefsAndRemotesAreNamed() {
    assertThatThrownBy(() -> key(open("#gone", Map.of())))
        .hasMessageContaining("repository does not contain ref gone");
    String absent = server.url("absent");
    assertThatThrownBy(() ->
            key(
                fixture.open(
                    "git://" + absent + "#main", Map.of("git.fullurl", "http://u:pw@" + absent))))
        .hasMessageContaining("failed to fetch remote http://xxxxx:xxxxx@")
        .hasMessageNotContaining("pw");
  }
}
