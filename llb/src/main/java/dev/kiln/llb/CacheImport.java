package dev.kiln.llb;

import java.util.Map;

/** A remote cache to look into: its type, such as {@code registry}, and the type's attributes. */
public record CacheImport(String type, Map<String, String> attrs) {
  public CacheImport {
    attrs = Map.copyOf(attrs);
  }
}
