package dev.kiln.exec;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.tracing.Blocking;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * What a runtime says of its version, and which ways out of a container a runc of that version is
 * known for. Immutable.
 *
 * <p>Sources: the advisories of CVE-2024-21626 (fixed in 1.1.12) and of CVE-2025-31133,
 * CVE-2025-52565 and CVE-2025-52881 (fixed in 1.2.8, 1.3.3 and 1.4.0-rc.3).
 *
 * @param program its name, such as {@code runc}
 * @param version as printed, such as {@code 1.1.5+ds1}
 * @param packaged the commit, where distributions put the version of their package; may be empty
 */
public record RuncVersion(String program, String version, String packaged) {
  private static final Pattern FIRST_LINE = Pattern.compile("(\\S+) version (\\S+)");
  private static final Pattern COMMIT = Pattern.compile("(?m)^commit: (\\S+)$");
  private static final Pattern NUMBERS =
      Pattern.compile("v?(\\d{1,4})\\.(\\d{1,4})\\.(\\d{1,4})(?:-rc\\.?(\\d{1,4}))?.*");
  private static final int MAX_OUTPUT = 1 << 16;
  private static final int RELEASED = Integer.MAX_VALUE; // later than each candidate
  private static final String WANTED = "1.2.8, 1.3.3 or 1.4.0";

  /**
   * Runs {@code runc --version}. Blocks; an interrupt ends the process.
   *
   * @throws BuildException {@code UNAVAILABLE} where it cannot be run, fails or does not end in
   *     {@code patience}
   */
  public static RuncVersion of(Path runc, Duration patience) throws InterruptedException {
    try {
      Process process =
          new ProcessBuilder(runc.toString(), "--version")
              .redirectErrorStream(true)
              .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
              .start();
      try {
        var output =
            Blocking.onPlatform(
                "runc-version", () -> process.getInputStream().readNBytes(MAX_OUTPUT));
        if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
          throw unusable(runc, "it has not ended after " + patience.toSeconds() + " s", null);
        }
        String said = new String(output.done().toCompletableFuture().get(), StandardCharsets.UTF_8);
        if (process.exitValue() != 0) {
          String first = said.lines().findFirst().orElse("");
          throw unusable(runc, "exit code " + process.exitValue() + ": " + first, null);
        }
        return parse(said);
      } finally {
        process.destroyForcibly();
      }
    } catch (IOException e) {
      throw unusable(runc, "" + e.getMessage(), e);
    } catch (ExecutionException e) {
      throw unusable(runc, "" + e.getCause(), e);
    }
  }

  private static BuildException unusable(
      Path runc, String why, @org.jspecify.annotations.Nullable Exception cause) {
    return new BuildException(
        Kind.UNAVAILABLE,
        "no worker: "
            + runc
            + " --version does not work ("
            + why
            + "); install runc, or name another one with --oci-worker-binary",
        cause);
  }

  /** What is not understood is no known version, and has no known ways out. */
  static RuncVersion parse(String output) {
    Matcher first = FIRST_LINE.matcher(output);
    Matcher commit = COMMIT.matcher(output);
    return first.lookingAt()
        ? new RuncVersion(first.group(1), first.group(2), commit.find() ? commit.group(1) : "")
        : new RuncVersion("", "", "");
  }

  /** The advisories that a runc of this number is subject to, if nobody patched it. */
  List<String> escapes() {
    Matcher numbers = NUMBERS.matcher(version);
    if (!program.equals("runc") || !numbers.matches()) {
      return List.of();
    }
    var number =
        new int[] {
          Integer.parseInt(numbers.group(1)),
          Integer.parseInt(numbers.group(2)),
          Integer.parseInt(numbers.group(3)),
          numbers.group(4) == null ? RELEASED : Integer.parseInt(numbers.group(4))
        };
    var all = new ArrayList<String>();
    if (isBelow(number, 1, 1, 12, RELEASED)) {
      all.add("CVE-2024-21626");
    }
    boolean fixed =
        switch (number[1]) {
          case 2 -> !isBelow(number, 1, 2, 8, RELEASED);
          case 3 -> !isBelow(number, 1, 3, 3, RELEASED);
          default -> !isBelow(number, 1, 4, 0, 3);
        };
    if (number[0] < 1 || number[0] == 1 && !fixed) {
      all.addAll(List.of("CVE-2025-31133", "CVE-2025-52565", "CVE-2025-52881"));
    }
    return all;
  }

  private static boolean isBelow(int[] number, int... bound) {
    return java.util.Arrays.compare(number, bound) < 0;
  }

  /** What an operator should know of it; empty where nothing is known. */
  public Optional<String> warning() {
    List<String> escapes = escapes();
    if (escapes.isEmpty()) {
      return Optional.empty();
    }
    String patched =
        packaged.isEmpty() || !version.contains("+")
            ? ""
            : "; this one is packaged as "
                + packaged
                + ", and what its distributor has mended"
                + " in it cannot be seen from here";
    return Optional.of(
        "steps may be able to leave their container: runc "
            + version
            + " is older than the fixes of "
            + String.join(", ", escapes)
            + "; install runc "
            + WANTED
            + " or later"
            + patched);
  }
}
