package dev.kiln.model;

import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Points at a blob: media type, digest, size in bytes, annotations (sorted by key), and the
 * platform where the blob is one of an index. Immutable. Source: OCI image-spec, descriptor.md.
 */
public record Descriptor(
    String mediaType,
    Digest digest,
    long sizeBytes,
    SortedMap<String, String> annotations,
    Optional<Platform> platform) {
  public Descriptor {
    if (sizeBytes < 0) {
      throw new IllegalArgumentException("descriptor of " + digest + " has the size " + sizeBytes);
    }
    annotations = Collections.unmodifiableSortedMap(new TreeMap<>(annotations));
  }

  public Descriptor(String mediaType, Digest digest, long sizeBytes) {
    this(mediaType, digest, sizeBytes, new TreeMap<>(), Optional.empty());
  }

  public Descriptor withAnnotations(Map<String, String> all) {
    return new Descriptor(mediaType, digest, sizeBytes, new TreeMap<>(all), platform);
  }

  public Descriptor withAnnotation(String key, String text) {
    var all = new TreeMap<>(annotations);
    all.put(key, text);
    return new Descriptor(mediaType, digest, sizeBytes, all, platform);
  }

  public Descriptor withPlatform(Platform of) {
    return new Descriptor(mediaType, digest, sizeBytes, annotations, Optional.of(of));
  }

  public Descriptor withMediaType(String type) {
    return new Descriptor(type, digest, sizeBytes, annotations, platform);
  }
}
