package dev.kiln.dockerfile.request;

import java.nio.charset.StandardCharsets;
import java.util.SortedMap;
import java.util.TreeMap;

/** The metadata of a result that holds nothing else. Immutable. */
public record Answer(SortedMap<String, byte[]> metadata) {
  static Answer of(byte[] json, String text, String version) {
    var metadata = new TreeMap<String, byte[]>();
    metadata.put("result.json", json);
    metadata.put("result.txt", text.getBytes(StandardCharsets.UTF_8));
    metadata.put("version", version.getBytes(StandardCharsets.UTF_8));
    return new Answer(metadata);
  }

  /** An answer that has no readable form beside its JSON. */
  static Answer ofJson(byte[] json, String version) {
    var metadata = new TreeMap<>(of(json, "", version).metadata());
    metadata.remove("result.txt");
    return new Answer(metadata);
  }

  Answer with(String key, String value) {
    var all = new TreeMap<>(metadata);
    all.put(key, value.getBytes(StandardCharsets.UTF_8));
    return new Answer(all);
  }
}
