package dev.kiln.tests.arch;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What documents and comments refer to is there. */
class DocumentsArchTest {
  private static final Path ROOT = Path.of("..");

  /** {@code Class} or {@code package.Class} in backticks. */
  private static final Pattern CLASS =
      Pattern.compile("`([a-z]+\\.)?([A-Z][A-Za-z0-9]*[a-z]\\w*)`");

  /** A citation of a row, as in "(features L-01 to L-16)". */
  private static final Pattern CITED =
      Pattern.compile(
          "features\\s+[A-Z]+-\\d+[a-z]?(?:[\\s*,]+(?:to|and)?[\\s*]*[A-Z]+-\\d+[a-z]?)*");

  private static final Pattern ROW = Pattern.compile("([A-Z]+)-(\\d+)(?:\\.\\.(\\d+))?");

  @Test
  void everyClassOfTheArchitecturePageIsThere() throws IOException {
    var known = new TreeSet<String>();
    for (JavaClass each : ArchitectureTest.KILN) {
      String folder = each.getPackageName();
      known.add(each.getSimpleName());
      known.add(folder.substring(folder.lastIndexOf('.') + 1) + "." + each.getSimpleName());
    }
    Set<String> named =
        CLASS
            .matcher(Files.readString(ROOT.resolve("docs/architecture.md")))
            .results()
            .map(found -> (found.group(1) == null ? "" : found.group(1)) + found.group(2))
            .filter(name -> !name.endsWith("Test")) // of a module whose tests are not here
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(named).hasSizeGreaterThan(80);
    assertThat(named).isSubsetOf(known);
  }

  @Test
  void everyRowThatCodeCitesIsInTheCompatibilityTable() throws IOException {
    Set<String> rows =
        Files.readAllLines(ROOT.resolve("docs/compatibility.md")).stream()
            .filter(line -> line.startsWith("| "))
            .flatMap(line -> ROW.matcher(line.split("\\|")[1]).results())
            .flatMap(DocumentsArchTest::each)
            .collect(Collectors.toSet());
    var missing = new TreeSet<String>();
    for (Path source : sources()) {
      CITED
          .matcher(Files.readString(source))
          .results()
          .flatMap(cited -> ROW.matcher(cited.group()).results())
          .map(row -> row.group(1) + "-" + Integer.parseInt(row.group(2)))
          .filter(row -> !rows.contains(row))
          .forEach(row -> missing.add(row + " in " + ROOT.relativize(source)));
    }
    assertThat(missing).isEmpty();
  }

  /** {@code A-85..88} is four rows. */
  private static Stream<String> each(MatchResult row) {
    int first = Integer.parseInt(row.group(2));
    int last = row.group(3) == null ? first : Integer.parseInt(row.group(3));
    return Stream.iterate(first, n -> n <= last, n -> n + 1).map(n -> row.group(1) + "-" + n);
  }

  private static Set<Path> sources() throws IOException {
    var found = new TreeSet<Path>();
    try (Stream<Path> modules = Files.list(ROOT)) {
      for (Path module : modules.filter(m -> Files.isDirectory(m.resolve("src"))).toList()) {
        try (Stream<Path> files = Files.walk(module.resolve("src"))) {
          files.filter(f -> f.toString().endsWith(".java")).forEach(found::add);
        }
      }
    }
    return found;
  }
}
