package dev.kiln.model;

import com.google.re2j.Pattern;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Which platforms an image may have to run on a wanted one, best first: {@code arm/v7} runs {@code
 * arm/v6}, {@code amd64} runs {@code 386}. Immutable. Source: containerd platforms, {@code
 * compare.go}.
 */
public final class PlatformMatcher {
  private final List<Platform> bestFirst;

  private PlatformMatcher(List<Platform> bestFirst) {
    this.bestFirst = List.copyOf(bestFirst);
  }

  /** For one wanted platform and what it can run besides. */
  public static PlatformMatcher only(Platform wanted) {
    var all = new ArrayList<Platform>();
    switch (wanted.architecture()) {
      case "amd64" -> {
        addVariants(all, wanted, "amd64", number(wanted.variant(), 1), 1);
        all.add(with(wanted, "386", ""));
      }
      case "arm" -> addVariants(all, wanted, "arm", number(wanted.variant(), 7), 5);
      case "arm64" -> {
        addArm64(all, wanted);
        addVariants(all, wanted, "arm", 8, 5);
      }
      default -> all.add(wanted);
    }
    return new PlatformMatcher(all);
  }

  private static Platform with(Platform wanted, String architecture, String variant) {
    return new Platform(
        wanted.os(), architecture, variant, wanted.osVersion(), wanted.osFeatures());
  }

  private static int number(String variant, int absent) {
    return Pattern.matches("v[0-9]{1,2}", variant)
        ? Integer.parseInt(variant.substring(1))
        : absent;
  }

  private static void addVariants(
      List<Platform> to, Platform wanted, String architecture, int from, int downTo) {
    if (from < downTo || from > 99) {
      to.add(wanted);
    }
    for (int v = from; v >= downTo; v--) {
      to.add(with(wanted, architecture, "v" + v));
    }
  }

  /** v9.n runs v9.0 to v9.n, and v8.0 to v8.(n+5). */
  private static void addArm64(List<Platform> to, Platform wanted) {
    String variant = wanted.variant().isEmpty() ? "v8" : wanted.variant();
    if (!Pattern.matches("v[89](\\.[0-9])?", variant)) {
      to.add(wanted);
      return;
    }
    boolean nine = variant.startsWith("v9");
    int minor = variant.length() > 2 ? variant.charAt(3) - '0' : 0;
    if (nine) {
      for (int m = minor; m >= 0; m--) {
        to.add(with(wanted, "arm64", m == 0 ? "v9" : "v9." + m));
      }
    }
    for (int m = nine ? Math.min(minor + 5, 9) : minor; m >= 0; m--) {
      to.add(with(wanted, "arm64", m == 0 ? "v8" : "v8." + m));
    }
  }

  public boolean matches(Platform candidate) {
    return rank(candidate) < bestFirst.size();
  }

  /** Position among the platforms that fit; their number where none does. */
  private int rank(Platform candidate) {
    int i = 0;
    while (i < bestFirst.size() && !fits(bestFirst.get(i), candidate)) {
      i++;
    }
    return i;
  }

  private static boolean fits(Platform wanted, Platform candidate) {
    return wanted.os().equals(candidate.os())
        && wanted.architecture().equals(candidate.architecture())
        && wanted.variant().equals(candidate.variant())
        && (!wanted.os().equals("windows")
            || WindowsVersion.runs(wanted.osVersion(), candidate.osVersion()));
  }

  /**
   * The candidates that fit, best first; those without a platform count as fitting and come last.
   */
  public <T> List<T> sorted(List<T> candidates, Function<T, Optional<Platform>> platform) {
    return candidates.stream()
        .filter(c -> platform.apply(c).map(this::matches).orElse(true))
        .sorted(Comparator.comparingInt(c -> platform.apply(c).map(this::rank).orElse(1000)))
        .toList();
  }
}
