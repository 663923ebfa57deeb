package dev.kiln.dockerfile.convert;

import dev.kiln.dockerfile.text.SlashPath;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.Locale;

/**
 * Paths inside an image, by the rules of its operating system; results have forward slashes and no
 * drive letter (BuildKit v0.22 {@code util/system/path.go}). Pure.
 */
record StagePath(String os) {
  private boolean windows() {
    return os.equals("windows");
  }

  boolean isAbsolute(String path) {
    try {
      return SlashPath.isAbsolute(withoutDrive(path, false));
    } catch (BuildException e) { // another drive: no path of the image
      return false;
    }
  }

  /** {@code path} seen from {@code parent}; relative ones are joined and cleaned, others kept. */
  String resolve(String parent, String path, boolean keepSlash) {
    String original = slashes(path);
    String base = parent.isEmpty() ? "/" : withoutDrive(slashes(parent), keepSlash);
    if (!SlashPath.isAbsolute(base)) {
      base = SlashPath.join("/", base);
    }
    String resolved = original.isEmpty() ? base : withoutDrive(original, keepSlash);
    if (!SlashPath.isAbsolute(resolved)) {
      resolved = SlashPath.join(base, resolved);
    }
    if (!keepSlash) {
      return resolved;
    }
    if (original.endsWith("/") && !resolved.endsWith("/")) {
      return resolved + "/";
    }
    if (original.endsWith("/.")) {
      return (resolved.equals("/") ? resolved : resolved + "/") + ".";
    }
    return resolved;
  }

  /** As image configurations hold it. */
  String shown(String path) {
    return windows() ? path.replace('/', '\\') : path;
  }

  String slashes(String path) {
    return windows() ? path.replace('\\', '/') : path;
  }

  /** Without Windows' {@code C:}; other drives and network paths are refused. */
  String withoutDrive(String path, boolean keepSlash) {
    if (!windows()) {
      return path;
    }
    if (path.length() == 2 && path.charAt(1) == ':') {
      throw invalid("No relative path specified in \"" + path + "\"");
    }
    if (slashes(path).startsWith("//")) {
      throw invalid("UNC paths are not supported");
    }
    int colon = path.indexOf(':');
    if (colon >= 0 && !path.substring(0, colon).toLowerCase(Locale.ROOT).equals("c")) {
      throw invalid("The specified path is not on the system drive (C:)");
    }
    String rest = slashes(path.substring(colon + 1));
    String clean = SlashPath.clean(rest);
    return keepSlash && clean.length() > 1 && rest.endsWith("/") ? clean + "/" : clean;
  }

  private static BuildException invalid(String message) {
    return new BuildException(Kind.INVALID, "removing drive letter: " + message);
  }
}
