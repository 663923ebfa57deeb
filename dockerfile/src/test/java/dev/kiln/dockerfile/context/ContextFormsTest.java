package dev.kiln.dockerfile.context;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.model.PatternMatcher;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ContextFormsTest {
  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '~',
      value = {
        "https://github.com/moby/buildkit.git,git://github.com/moby/buildkit.git",
        "https://github.com/moby/buildkit.git#v1:docs,git://github.com/moby/buildkit.git#v1:docs",
        "https://user:pw@host:8443/a/b.git#:sub,git://host:8443/a/b.git#:sub",
        "git@github.com:moby/buildkit.git#main,git://github.com/moby/buildkit.git#main",
        "ssh://git@host:22/x/y,git://host:22/x/y",
        "git://host/x,git://host/x",
        "github.com/moby/buildkit,git://github.com/moby/buildkit",
      })
  void repositoriesAreTold(String text, String identifier) {
    assertThat(GitRef.parse(text).map(GitRef::identifier)).contains(identifier);
  }

  @ParameterizedTest
  @CsvSource({"./x.git", "../x.git", "https://host/x.tar", "ftp://h/x.git", "a/b", "C:x", "x@y"})
  void otherThingsAreNoRepositories(String text) {
    assertThat(GitRef.parse(text)).isEqualTo(Optional.empty());
  }

  @Test
  void ignoreFilesAreCleaned() {
    List<String> patterns =
        IgnoreFile.patterns(
            "\ufeff# comment\n\n  a/../b  \r\n/abs/\n! /c/./d\n**/*.go\n!\n"
                .getBytes(StandardCharsets.UTF_8));
    assertThat(patterns).containsExactly("b", "abs", "!c/d", "**/*.go", "!");
    PatternMatcher matcher = PatternMatcher.of(patterns.subList(0, 4));
    assertThat(matcher.matches("abs/x")).isTrue();
    assertThat(matcher.matches("x/y.go")).isTrue();
    assertThat(matcher.matches("c/d")).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "1.2.3.4,1.2.3.4",
    "::1,::1",
    "2001:db8:0:0:1:0:0:1,2001:db8::1:0:0:1",
    "2001:DB8:0:1:1:1:1:1,2001:db8:0:1:1:1:1:1",
    "0:0:0:0:0:0:0:0,::"
  })
  void addressesHaveOneSpelling(String text, String canonical) {
    assertThat(IpText.canonical(text)).contains(canonical);
  }

  @ParameterizedTest
  @CsvSource({"1.2.3", "host", "1.2.3.256", "::1%eth0", "[::1]"})
  void otherThingsAreNoAddresses(String text) {
    assertThat(IpText.canonical(text)).isEmpty();
  }

  @Test
  void archivesAreKnownByTheirFirstBytes() {
    assertThat(ArchiveMagic.matches(new byte[] {0x1f, (byte) 0x8b, 8, 0})).isTrue();
    assertThat(ArchiveMagic.matches("FROM scratch".getBytes(StandardCharsets.UTF_8))).isFalse();
    byte[] tar = new byte[512];
    tar[0] = 'a';
    byte[] sum = "000541\0 ".getBytes(StandardCharsets.UTF_8); // 'a' and eight blanks
    System.arraycopy(sum, 0, tar, 148, sum.length);
    assertThat(ArchiveMagic.matches(tar)).isTrue();
    tar[1] = 'b';
    assertThat(ArchiveMagic.matches(tar)).isFalse();
  }

  @Test
  void optionsAreChecked() {
    assertThat(FrontendOptions.parse(Map.of("no-cache", "")).ignoresCache("any")).isTrue();
    assertThat(FrontendOptions.parse(Map.of("no-cache", "a,b")).ignoresCache("B")).isTrue();
    assertThat(FrontendOptions.parse(Map.of("no-cache", "a,b")).ignoresCache("c")).isFalse();
    assertThat(FrontendOptions.parse(Map.of("platform", "linux/amd64")).multiPlatform()).isFalse();
    assertThat(FrontendOptions.parse(Map.of("attest:sbom", "")).sbom().orElseThrow().image())
        .isEqualTo("docker.io/docker/buildkit-syft-scanner:stable-1");
    assertThatThrownBy(() -> FrontendOptions.parse(Map.of("attest:sbom", "generator=")))
        .hasMessage("sbom generator cannot be empty");
    assertThatThrownBy(() -> FrontendOptions.parse(Map.of("override-copy-image", "x")))
        .hasMessageContaining("removed in BuildKit 0.11");
    assertThatThrownBy(() -> FrontendOptions.parse(Map.of("cache-imports", "{")))
        .hasMessageContaining("cache-imports");
  }
}
