package dev.kiln.store.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.kiln.model.Digest;
import dev.kiln.sys.BytePath;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class TarWriterTest {
  @Test
  void namesBeyondAsciiAreWrittenAsGoWritesThem() throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var tar = new TarWriter(bytes)) {
      tar.entry(TarEntry.directory("unicode/", 0755, 1_700_000_000));
      tar.entry(TarEntry.file("unicode/\u00fcn\u00ef.txt", 0644, 2, 1_700_000_000));
      tar.body("x\n".getBytes(StandardCharsets.UTF_8));
    }
    // the layer that BuildKit v0.22 makes of: COPY "\u00fcn\u00ef.txt" /unicode/
    assertThat(Digest.of(bytes.toByteArray()).value())
        .isEqualTo("sha256:09479735b2557267543c4a416141c44fc4888b63b1d801a37f2d1c5906f4e084");
  }

  /** Sums of what Go's archive/tar (1.26) writes for one header in its PAX format. */
  static Stream<Arguments> goldenHeaders() {
    String d60 = "d".repeat(60);
    return Stream.of(
        arguments(
            folder(d60 + "/" + d60 + "/"),
            "6ef05d91bcdadf8703fc5622fe27ce8df9c71b3448e06266d642ac1ce97e43e2"),
        arguments(
            folder("a".repeat(49) + "/" + "b".repeat(49) + "/c/"),
            "f01cbf0260baeb95234a80665044a80b2b1323c962f91e21c52ba5c958a836e0"),
        arguments(
            folder("\u00fcn\u00ef/d\u00efr/"),
            "68bc95a84935ca58ee0317d5ba66e3f5f3eb8672d873da38671ca03d6e22b25c"),
        arguments(
            folder("\u00fc/"), "8b2cedbd0c0199cae54cd72d4983c61d3884eddedf6ddad6a3ae1c1b72fe592c"),
        arguments(
            file(d60 + "/" + d60),
            "2ea0f20851aeaa6959a418617e240410ad1e2d4d62a477446af15d4beb424692"),
        arguments(
            file("a".repeat(99) + "/f"),
            "180ee9410c1d994a1b92e70eeb663e449946718889d479a87be9b3c79ba7c44d"),
        arguments(
            file("a".repeat(87) + "/" + d60),
            "84a2cdc7514f47e5c71a4df12d5d1a31f9714a62ed79ebf0e0aadde1562f5241"),
        arguments(
            entry("l", TarEntry.SYMLINK, "t".repeat(99) + "/" + d60, SECOND, 0, 0, Map.of()),
            "058756f6f4461cbf8caadea76ec7ac76162093a22f1ca6c0a85d83e16ca7c342"),
        arguments(
            entry("n", TarEntry.FILE, "", SECOND, 120_000_000, 0, Map.of()),
            "3f3f01daa3780a8134021df3718047c78f3b4b438b3b0e7a39cea1de0604717a"),
        arguments(
            entry("n", TarEntry.FILE, "", -2, 500_000_000, 0, Map.of()),
            "ca177761b17d8c205b67834b8a2dbf7359568b81e1cd7b2bbda545dabd8485f2"),
        arguments(
            entry("n", TarEntry.FILE, "", 1, 0, 1 << 22, Map.of()),
            "a34290db0ca6226ee9d84e1e2623920108795cd6e9987b53ba6072e941948fc0"),
        arguments(
            entry(
                "x/",
                TarEntry.DIRECTORY,
                "",
                1,
                0,
                0,
                Map.of("user.b", new byte[] {'1'}, "user.a", new byte[] {0, 1})),
            "f8705c295e4c5ebec82d065efd335d95ebe0649af54596e449e8794f8b262640"));
  }

  @ParameterizedTest
  @MethodSource("goldenHeaders")
  void headersAreThoseOfGo(TarEntry entry, String sum) throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var tar = new TarWriter(bytes)) {
      tar.entry(entry);
    }
    assertThat(Digest.of(bytes.toByteArray()).hex()).isEqualTo(sum);
  }

  private static final long SECOND = 1_700_000_000;

  private static TarEntry folder(String name) {
    return entry(name, TarEntry.DIRECTORY, "", SECOND, 0, 0, Map.of());
  }

  private static TarEntry file(String name) {
    return entry(name, TarEntry.FILE, "", SECOND, 0, 0, Map.of());
  }

  private static TarEntry entry(
      String name,
      byte type,
      String link,
      long seconds,
      int nanos,
      long uid,
      Map<String, byte[]> xattrs) {
    return new TarEntry(
        BytePath.of(name),
        type,
        0644,
        uid,
        0,
        0,
        seconds,
        nanos,
        BytePath.of(link),
        0,
        0,
        new TreeMap<>(xattrs));
  }
}
