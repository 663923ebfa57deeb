package dev.kiln.model;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import java.util.Optional;

/**
 * Which Windows images a Windows host runs: up to Server 2022 those of its own build alone, from
 * then on also older ones down to that release. Pure. Source: containerd platforms v1.0.0-rc.1,
 * {@code platform_windows_compat.go}.
 */
record WindowsVersion(int major, int minor, int build) {
  private static final Pattern FORM =
      Pattern.compile("([0-9]{1,3})\\.([0-9]{1,3})\\.([0-9]{1,5})(\\..*)?");
  private static final int SERVER_2022 = 20348;

  private static Optional<WindowsVersion> parse(String text) {
    Matcher m = FORM.matcher(text);
    return m.matches()
        ? Optional.of(
            new WindowsVersion(
                Integer.parseInt(m.group(1)),
                Integer.parseInt(m.group(2)),
                Integer.parseInt(m.group(3))))
        : Optional.empty();
  }

  /** Whether a host of version {@code host} runs an image of {@code image}; unknown ones fit. */
  static boolean runs(String host, String image) {
    Optional<WindowsVersion> wanted = parse(host);
    if (wanted.isEmpty() || image.isEmpty()) {
      return true;
    }
    return parse(image).map(wanted.get()::runs).orElse(false);
  }

  private boolean runs(WindowsVersion image) {
    if (major != image.major || minor != image.minor) {
      return false;
    }
    return build < SERVER_2022
        ? build == image.build
        : image.build >= SERVER_2022 && image.build <= build;
  }
}
