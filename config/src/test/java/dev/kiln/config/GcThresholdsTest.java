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
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The collector's rules against those of buildkitd, setting by setting. */
class GcThresholdsTest {
  @TempDir Path dir;

  private WorkerConfig read(String flag, String settings) throws IOException {
    Path file =
        Files.writeString(
            dir.resolve("buildkitd.toml"), "[worker.oci]\n" + settings.replace("; ", "\n") + "\n");
    var args = new ArrayList<>(List.of("--config", file.toString()));
    if (!flag.equals("-")) {
      args.add("--oci-worker-gc-keepstorage=" + flag);
    }
    return ((Request.Start) ConfigReader.read(args, "v", _ -> -1)).config().worker();
  }

  /** In the words of the table. */
  private String outcome(long disk, String flag, String settings) throws IOException {
    WorkerConfig worker;
    try {
      worker = read(flag, settings);
    } catch (ConfigException e) {
      return "error";
    }
    List<GcPolicy> rules = worker.gc() ? worker.policiesFor(disk) : List.of();
    List<String> shown = rules.stream().map(rule -> shown(rule, disk)).toList();
    if (shown.size() == 4
        && shown.get(0).equals(FIRST)
        && shown.get(1).equals("false [] 5184000 " + sizes(rules.get(1), disk))
        && shown.get(2).equals("false [] 0 " + sizes(rules.get(1), disk))
        && shown.get(3).equals("true [] 0 " + sizes(rules.get(1), disk))) {
      return "defaults " + sizes(rules.get(1), disk);
    }
    return ("rules " + String.join("; ", shown)).strip();
  }

  private static final String FIRST =
      "false [type==source.local,type==exec.cachemount,type==source.git.checkout] 172800"
          + " 0 512000000 0";

  private static String shown(GcPolicy rule, long disk) {
    return rule.all()
        + " ["
        + String.join(",", rule.filters())
        + "] "
        + rule.keepDuration().toSeconds()
        + " "
        + sizes(rule, disk);
  }

  private static String sizes(GcPolicy rule, long disk) {
    return List.of(rule.reservedSpace(), rule.maxUsedSpace(), rule.minFreeSpace()).stream()
        .map(space -> Long.toString(space.map(s -> s.bytes(disk)).orElse(0L)))
        .collect(Collectors.joining(" "));
  }

  @Test
  void everySettingComesToWhatBuildkitdMakesOfIt() throws IOException {
    var expected = new ArrayList<String>();
    var found = new ArrayList<String>();
    for (String line : table().lines().filter(l -> !l.startsWith("#")).toList()) {
      String[] row = line.split(" \\| ", -1);
      expected.add(line);
      found.add(
          String.join(
              " | ", row[0], row[1], row[2], outcome(Long.parseLong(row[0]), row[1], row[2])));
    }
    assertThat(expected).hasSizeGreaterThan(150);
    assertThat(found).containsExactlyElementsOf(expected);
  }

  private static String table() throws IOException {
    try (InputStream in =
        Objects.requireNonNull(GcThresholdsTest.class.getResourceAsStream("gc-thresholds.txt"))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @Test
  void sizesThatNoDiskHasAreRefusedWhereTheyWouldOverflow() {
    for (String size : List.of("9000PB", "1e999", "1e300TB", "9".repeat(400))) {
      assertThatThrownBy(() -> read("-", "maxUsedSpace = \"" + size + "\""))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining("worker.oci.maxUsedSpace");
    }
    assertThatThrownBy(() -> read("-5", "")).hasMessageContaining("--oci-worker-gc-keepstorage");
  }

  @Test
  void aShareThatNoDiskHasIsTakenAndDoubted() throws IOException {
    Path file =
        Files.writeString(
            dir.resolve("buildkitd.toml"),
            "[worker.oci]\nreservedSpace = \"120%\"\nminFreeSpace = \"100%\"\n"
                + "gcpolicy = [{ maxUsedSpace = \"101%\" }]\n");
    var read =
        (Request.Start) ConfigReader.read(List.of("--config", file.toString()), "v", _ -> -1);
    assertThat(read.warnings())
        .containsExactlyInAnyOrder(
            "worker.oci.reservedSpace is 120% of the disk, more than there is",
            "worker.oci.gcpolicy[0].maxUsedSpace is 101% of the disk, more than there is");
  }

  @Test
  void aShareOfADiskOfUnknownSizeIsTwoGigabytes() throws IOException {
    assertThat(outcome(0, "-", "")).isEqualTo("defaults 2000000000 2000000000 2000000000");
    assertThat(read("-", "").policiesFor(0).getFirst().reservedSpace()).isEqualTo(Optional.empty());
  }
}
