package dev.kiln.dockerfile.text;

import java.util.ArrayDeque;
import java.util.StringJoiner;

/** Slash-separated paths by text alone, without a file system. Pure. */
public final class SlashPath {
  private SlashPath() {}

  /** The shortest equal path: no {@code .}, no empty part, {@code ..} only at a relative start. */
  public static String clean(String path) {
    boolean absolute = path.startsWith("/");
    var parts = new ArrayDeque<String>();
    for (String part : path.split("/", -1)) {
      if (part.isEmpty() || part.equals(".")) {
        continue;
      }
      if (!part.equals("..")) {
        parts.addLast(part);
      } else if (!parts.isEmpty() && !parts.getLast().equals("..")) {
        parts.removeLast();
      } else if (!absolute) {
        parts.addLast(part);
      }
    }
    String joined = String.join("/", parts);
    return absolute ? "/" + joined : joined.isEmpty() ? "." : joined;
  }

  /** The non-empty parts joined and cleaned; empty when all are. */
  public static String join(String... parts) {
    var joined = new StringJoiner("/");
    boolean any = false;
    for (String part : parts) {
      if (!part.isEmpty()) {
        joined.add(part);
        any = true;
      }
    }
    return any ? clean(joined.toString()) : "";
  }

  public static boolean isAbsolute(String path) {
    return path.startsWith("/");
  }

  /** The last part; {@code .} for an empty path, {@code /} for the root. */
  public static String base(String path) {
    if (path.isEmpty()) {
      return ".";
    }
    int end = path.length();
    while (end > 0 && path.charAt(end - 1) == '/') {
      end--;
    }
    if (end == 0) {
      return "/";
    }
    return path.substring(path.lastIndexOf('/', end - 1) + 1, end);
  }

  /** All but the last part, cleaned. */
  public static String directory(String path) {
    return clean(path.substring(0, path.lastIndexOf('/') + 1));
  }
}
