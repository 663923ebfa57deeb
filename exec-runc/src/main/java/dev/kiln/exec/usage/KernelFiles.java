package dev.kiln.exec.usage;

import dev.kiln.model.GoJson;
import java.io.BufferedReader;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** The forms of the kernel's files of numbers. What is not there or not understood is left out. */
final class KernelFiles {
  private static final Pattern BETWEEN_WORDS = Pattern.compile("[\\s:]+");

  /** No line that is read has more; the rest of the interrupts' thousands stays one. */
  private static final int MOST_WORDS = 32;

  private static final List<String> PRESSURES = List.of("avg10", "avg60", "avg300", "total");

  private KernelFiles() {}

  /** The first line of a file as words; empty where there is none. */
  static Optional<String[]> first(Path file) {
    try (BufferedReader reader = Files.newBufferedReader(file)) {
      return Optional.ofNullable(reader.readLine()).map(KernelFiles::words);
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** The lines of a file as words; empty where it cannot be read. */
  static Optional<List<String[]>> lines(Path file) {
    try {
      return Optional.of(Files.readString(file).lines().map(KernelFiles::words).toList());
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private static String[] words(String line) {
    return BETWEEN_WORDS.split(line.strip(), MOST_WORDS);
  }

  /** A file of {@code key value} lines. */
  static Optional<Map<String, Long>> flat(Path file) {
    return lines(file).map(KernelFiles::flat);
  }

  static Map<String, Long> flat(List<String[]> lines) {
    Map<String, Long> all = new HashMap<>();
    for (String[] words : lines) {
      if (words.length > 1) {
        number(words[1]).ifPresent(n -> all.put(words[0], n));
      }
    }
    return all;
  }

  static Optional<Long> number(String text) {
    try {
      return Optional.of(Long.parseLong(text));
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  /** A pressure file; empty where the kernel does not keep any. */
  static Optional<GoJson> pressure(Path file) {
    return lines(file)
        .map(lines -> {
          Map<String, String> byKind = new HashMap<>();
          for (String[] words : lines) {
            byKind.put(words[0], values(words));
          }
          return GoJson.object()
              .raw("some", byKind.getOrDefault("some", "null"))
              .raw("full", byKind.getOrDefault("full", "null"));
        });
  }

  private static String values(String[] words) {
    Map<String, String> byName = new HashMap<>();
    for (String word : words) {
      int at = word.indexOf('=');
      if (at > 0) {
        byName.put(word.substring(0, at), decimal(word.substring(at + 1)));
      }
    }
    GoJson json = GoJson.object();
    PRESSURES.forEach(name -> json.raw(name, byName.getOrDefault(name, "null")));
    return json.toString();
  }

  private static String decimal(String text) {
    try {
      return new BigDecimal(text).stripTrailingZeros().toPlainString();
    } catch (NumberFormatException e) {
      return "null";
    }
  }
}
