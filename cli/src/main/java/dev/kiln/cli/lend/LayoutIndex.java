package dev.kiln.cli.lend;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.kiln.model.Json;
import dev.kiln.sys.FileLock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/**
 * {@code index.json} of an OCI layout: which manifests it holds, by tag. Locked as buildctl locks
 * it, so that both may write one folder (BuildKit v0.22 {@code client/ociindex}). Stateless; from
 * platform threads, as it waits for locks.
 */
public final class LayoutIndex {
  /** The tag where none is given. */
  public static final String LATEST = "latest";

  private static final String TAG = "org.opencontainers.image.ref.name";
  private static final String NAME = "io.containerd.image.name";
  private static final String FILE = "index.json";
  private static final ObjectMapper JSON = new ObjectMapper();

  private LayoutIndex() {}

  /** The digest of the manifest with this tag; empty where there is none, or no index. */
  public static Optional<String> find(Path layout, String tag) throws IOException {
    JsonNode manifests;
    try {
      manifests = read(layout).path("manifests");
    } catch (NoSuchFileException none) {
      return Optional.empty();
    }
    for (String annotation : new String[] {NAME, TAG}) {
      for (JsonNode manifest : manifests) {
        if (tag.equals(manifest.path("annotations").path(annotation).asText(null))) {
          return Optional.of(manifest.path("digest").asText());
        }
      }
    }
    return Optional.empty();
  }

  private static ObjectNode read(Path layout) throws IOException {
    Path file = layout.resolve(FILE);
    byte[] bytes = Files.readAllBytes(file);
    if (bytes.length == 0) {
      return JSON.createObjectNode();
    }
    if (Json.find(bytes).orElse(null) instanceof ObjectNode index) {
      return index;
    }
    throw new IOException(file + " is not an OCI index");
  }

  /**
   * Adds a manifest, in place of one that has its tag. Readers see the old index or the new one.
   *
   * @param descriptor the manifest's, as JSON
   */
  public static void put(Path layout, String descriptor, String tag) throws IOException {
    if (!(Json.find(descriptor).orElse(null) instanceof ObjectNode manifest)) {
      throw new IOException("the daemon's word of what it wrote is no descriptor");
    }
    Path lockFile = layout.resolve(FILE + ".lock");
    try (FileLock lock = FileLock.lock(lockFile.toAbsolutePath())) {
      ObjectNode index;
      try {
        index = read(layout);
      } catch (NoSuchFileException none) {
        index = JSON.createObjectNode();
      }
      write(
          layout.resolve("oci-layout"), JSON.createObjectNode().put("imageLayoutVersion", "1.0.0"));
      write(layout.resolve(FILE), with(index, manifest, tag));
      Files.deleteIfExists(lockFile);
    }
  }

  private static ObjectNode with(ObjectNode index, ObjectNode manifest, String tag) {
    ArrayNode kept = JSON.createArrayNode();
    for (JsonNode other : index.path("manifests")) {
      JsonNode annotations = other.path("annotations");
      boolean same = tag.equals(annotations.path(TAG).asText("")) && !annotations.has(NAME);
      if (!same) {
        kept.add(other);
      }
    }
    manifest.withObjectProperty("annotations").put(TAG, tag);
    kept.add(manifest);
    if (!index.has("schemaVersion")) {
      index.put("schemaVersion", 2).put("mediaType", "application/vnd.oci.image.index.v1+json");
    }
    index.set("manifests", kept);
    return index;
  }

  private static void write(Path file, JsonNode content) throws IOException {
    Path partial = file.resolveSibling("." + file.getFileName() + ".part");
    Files.write(partial, JSON.writeValueAsBytes(content));
    Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }
}
