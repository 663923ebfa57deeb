package dev.kiln.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.config.ConfigReader.Request;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Nothing that buildkitd's users write is without effect and without a word. */
class SettingsTest {
  @TempDir Path dir;

  private static Stream<String> settings() throws IOException {
    try (InputStream table =
        Objects.requireNonNull(SettingsTest.class.getResourceAsStream("/settings.txt"))) {
      return new String(table.readAllBytes(), StandardCharsets.UTF_8)
          .lines().filter(line -> !line.startsWith("#")).toList().stream();
    }
  }

  @ParameterizedTest
  @MethodSource("settings")
  void everySettingHasTheOutcomeThatTheTableSays(String line) throws IOException {
    String[] columns = line.split("\\|", -1);
    String setting = columns[0].strip();
    switch (columns[2].strip()) {
      case "honoured" -> {
        assertThat(read(setting).config()).isNotEqualTo(read("").config());
        assertThat(read(setting).warnings()).isEmpty();
      }
      case "accepted" -> {
        assertThat(read(setting).config()).isEqualTo(read("").config());
        assertThat(read(setting).warnings()).isEmpty();
      }
      case "warned" -> {
        assertThat(read(setting).config()).isEqualTo(read("").config());
        assertThat(read(setting).warnings())
            .singleElement()
            .asString()
            .contains(name(setting))
            .containsAnyOf("has no effect", "unknown key");
      }
      case "refused" ->
          assertThatThrownBy(() -> read(setting))
              .isInstanceOf(ConfigException.class)
              .message()
              .satisfies(said -> assertThat(said.lines()).hasSize(1))
              .satisfies(said ->
                  assertThat(said.toLowerCase(java.util.Locale.ROOT))
                      .containsAnyOf(words(setting)));
      default -> throw new AssertionError(line);
    }
  }

  /** The key's path, or the flag. */
  private static String name(String setting) {
    Matcher name = Pattern.compile("[^ =]+").matcher(setting);
    assertThat(name.find()).isTrue();
    return name.group();
  }

  /** One of these is in a refusal: the name or, for a bad value, what was written. */
  private static String[] words(String setting) {
    var words = new ArrayList<String>();
    words.add(name(setting));
    words.add(setting.replaceAll("^.*[=\"](\\w+)\"?$", "'$1'"));
    words.add("key and cert");
    words.add("client authority");
    return words.stream()
        .map(word -> word.toLowerCase(java.util.Locale.ROOT))
        .toArray(String[]::new);
  }

  private Request.Start read(String setting) throws IOException {
    Path other = Files.writeString(dir.resolve("other.toml"), "root = \"/by-file\"\n");
    boolean flag = setting.startsWith("--");
    Path file = Files.writeString(dir.resolve("buildkitd.toml"), flag ? "" : setting + "\n");
    var arguments = new ArrayList<String>();
    if (!setting.startsWith("--config=")) {
      arguments.add("--config=" + file);
    }
    if (flag) {
      arguments.addAll(List.of(setting.replace("other.toml", other.toString()).split(" ", -1)));
    }
    return (Request.Start) ConfigReader.read(arguments, "v", name -> 998);
  }
}
