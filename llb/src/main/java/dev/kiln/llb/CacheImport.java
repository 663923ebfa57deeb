package dev.kiln.llb;

import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A remote cache to look into: its type, such as {@code registry}, and the type's attributes, of
 * which some are secrets.
 */
public record CacheImport(String type, Map<String, String> attrs) {
  /** Names of attributes that nobody but the cache's service may be told. */
  public static final Set<String> SECRETS =
      Set.of("token", "ghtoken", "secret_access_key", "session_token");

  public CacheImport {
    attrs = Map.copyOf(attrs);
  }

  /** The attributes that may be shown and kept: no secrets. */
  public SortedMap<String, String> shown() {
    var shown = new TreeMap<>(attrs);
    shown.keySet().removeAll(SECRETS);
    return shown;
  }

  @Override
  public String toString() {
    return "CacheImport[" + type + ", " + shown() + "]";
  }
}
