package dev.kiln.model;

import com.google.re2j.Pattern;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Operating system and processor of an image, in its normal form: lower case, {@code amd64} rather
 * than {@code x86_64}, no variant where it is the default one ({@code arm64/v8}, {@code amd64/v1});
 * absent parts are empty strings. Immutable. Source: containerd platforms, {@code database.go} and
 * {@code platforms.go}.
 */
public record Platform(
    String os, String architecture, String variant, String osVersion, List<String> osFeatures) {
  private static final String PART_FORM = "^[A-Za-z0-9_.-]+$";
  private static final String OS_FORM = "^([A-Za-z0-9_-]+)(?:\\(([A-Za-z0-9_.-]*)\\))?$";

  public Platform {
    os = normalOs(os);
    String arch = architecture.toLowerCase(Locale.ROOT);
    String v = variant.toLowerCase(Locale.ROOT);
    switch (arch) {
      case "i386" -> {
        arch = "386";
        v = "";
      }
      case "x86_64", "x86-64", "amd64" -> {
        arch = "amd64";
        v = v.equals("v1") ? "" : v;
      }
      case "aarch64", "arm64" -> {
        arch = "arm64";
        v = v.equals("8") || v.equals("v8") || v.equals("v8.0") ? "" : v;
      }
      case "armhf" -> {
        arch = "arm";
        v = "v7";
      }
      case "armel" -> {
        arch = "arm";
        v = "v6";
      }
      case "arm" ->
          v = v.isEmpty() || v.equals("7") ? "v7" : Pattern.matches("[568]", v) ? "v" + v : v;
      default -> {}
    }
    architecture = arch;
    variant = v;
    osFeatures = List.copyOf(osFeatures);
  }

  public Platform(String os, String architecture, String variant) {
    this(os, architecture, variant, "", List.of());
  }

  /** The platform that this daemon runs on. */
  public static Platform host() {
    return new Platform("linux", System.getProperty("os.arch", "amd64"), "");
  }

  /**
   * Parses {@code os[(version)]/arch[/variant]}, or one part alone (a known system, else an
   * architecture on the host's system).
   *
   * @throws BuildException {@code INVALID}, naming the text
   */
  public static Platform parse(String text) {
    String[] parts = text.split("/", -1);
    for (int i = 0; i < parts.length; i++) {
      String form = i == 0 ? OS_FORM : PART_FORM;
      if (!Pattern.matches(form, parts[i])) {
        throw invalid(
            "\""
                + parts[i]
                + "\" is an invalid "
                + (i == 0 ? "OS component" : "component")
                + " of \""
                + text
                + "\": "
                + (i == 0 ? "OSAndVersion" : "platform")
                + " specifier component must match \""
                + form.replace("\\", "\\\\")
                + "\"");
      }
    }
    String os = parts[0];
    String osVersion = "";
    int paren = os.indexOf('(');
    if (paren > 0 && os.endsWith(")")) {
      osVersion = os.substring(paren + 1, os.length() - 1);
      os = os.substring(0, paren);
    }
    return switch (parts.length) {
      case 1 -> {
        if (isKnownOs(os)) {
          yield new Platform(os, host().architecture(), "", osVersion, List.of());
        }
        if (isKnownArchitecture(os)) {
          yield new Platform("linux", os, "");
        }
        throw invalid("\"" + text + "\": unknown operating system or architecture");
      }
      case 2 -> new Platform(os, parts[1], "", osVersion, List.of());
      case 3 -> new Platform(os, parts[1], parts[2], osVersion, List.of());
      default -> throw invalid("\"" + text + "\": cannot parse platform specifier");
    };
  }

  private static BuildException invalid(String message) {
    return new BuildException(Kind.INVALID, message + ": invalid argument");
  }

  private static String normalOs(String os) {
    String lower = os.toLowerCase(Locale.ROOT);
    return lower.equals("macos") ? "darwin" : lower;
  }

  private static boolean isKnownOs(String os) {
    return List.of(
            "linux",
            "windows",
            "darwin",
            "macos",
            "freebsd",
            "netbsd",
            "openbsd",
            "solaris",
            "android",
            "plan9",
            "wasip1",
            "js",
            "aix",
            "dragonfly",
            "illumos",
            "ios")
        .contains(os.toLowerCase(Locale.ROOT));
  }

  private static boolean isKnownArchitecture(String arch) {
    return List.of(
            "386",
            "i386",
            "amd64",
            "x86_64",
            "x86-64",
            "arm",
            "armhf",
            "armel",
            "arm64",
            "aarch64",
            "ppc64",
            "ppc64le",
            "mips",
            "mipsle",
            "mips64",
            "mips64le",
            "riscv64",
            "s390x",
            "loong64",
            "wasm")
        .contains(arch.toLowerCase(Locale.ROOT));
  }

  /**
   * {@code os/arch[/variant]}, with {@code (version)} after the system where there is one: the key
   * of a result's platform.
   */
  public String format() {
    var out = new StringBuilder(os);
    if (!osVersion.isEmpty()) {
      out.append('(').append(osVersion).append(')');
    }
    return out.append(tail()).toString();
  }

  /** {@code os/arch[/variant]} without the system's version. */
  public String formatShort() {
    return os + tail();
  }

  private String tail() {
    var parts = new ArrayList<String>(List.of(architecture));
    if (!variant.isEmpty()) {
      parts.add(variant);
    }
    return "/" + String.join("/", parts);
  }

  @Override
  public String toString() {
    return format();
  }
}
