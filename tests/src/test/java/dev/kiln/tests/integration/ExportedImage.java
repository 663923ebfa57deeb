package dev.kiln.tests.integration;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

/**
 * What an exported OCI archive says, as JSON to compare: for each platform the configuration with
 * its history, and for each layer its diff ID and a listing of its files. Layers of base images are
 * named only: they hold the machine's busybox. Immutable.
 *
 * @param base diff IDs of layers that the base images brought
 * @param epoch the time to which all times are cut, absent where they are those of the build; then
 *     times and diff IDs are left out
 */
record ExportedImage(Map<String, byte[]> files, Set<String> base, Optional<Instant> epoch) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Instant OLD = Instant.parse("2021-01-01T00:00:00Z");

  static ExportedImage read(Path archive, Set<String> base, Optional<Instant> epoch)
      throws IOException {
    var files = new HashMap<String, byte[]>();
    try (var tar = new TarArchiveInputStream(Files.newInputStream(archive))) {
      for (TarArchiveEntry e = tar.getNextEntry(); e != null; e = tar.getNextEntry()) {
        files.put(e.getName(), tar.readAllBytes());
      }
    }
    return new ExportedImage(files, base, epoch);
  }

  ArrayNode shown() throws IOException {
    ArrayNode images = JSON.createArrayNode();
    addManifests(JSON.readTree(file("index.json")), images);
    return images;
  }

  private JsonNode blob(JsonNode descriptor) throws IOException {
    return JSON.readTree(bytes(descriptor));
  }

  private byte[] bytes(JsonNode descriptor) {
    return file("blobs/" + descriptor.path("digest").asText().replace(':', '/'));
  }

  private byte[] file(String name) {
    return Optional.ofNullable(files.get(name))
        .orElseThrow(() -> new AssertionError("no " + name + " in the archive"));
  }

  private void addManifests(JsonNode index, ArrayNode images) throws IOException {
    for (JsonNode entry : index.path("manifests")) {
      JsonNode manifest = blob(entry);
      if (manifest.has("manifests")) {
        addManifests(manifest, images);
        continue;
      }
      ObjectNode image = images.addObject();
      image.set("platform", entry.path("platform"));
      var config = (ObjectNode) blob(manifest.path("config"));
      ArrayNode layers = image.putArray("layers");
      JsonNode diffIds = config.path("rootfs").path("diff_ids");
      for (int i = 0; i < diffIds.size(); i++) {
        addLayer(diffIds.get(i).asText(), manifest.path("layers").get(i), layers);
      }
      config.remove("rootfs");
      hideTimes(config);
      image.set("config", config);
    }
  }

  private void hideTimes(ObjectNode config) {
    if (epoch.isPresent()) {
      return;
    }
    hideTime(config);
    config.path("history").forEach(line -> hideTime((ObjectNode) line));
  }

  private static void hideTime(ObjectNode node) {
    if (node.has("created") && Instant.parse(node.path("created").asText()).isAfter(OLD)) {
      node.put("created", "when it was built");
    }
  }

  private void addLayer(String diffId, JsonNode descriptor, ArrayNode layers) throws IOException {
    if (base.contains(diffId)) {
      layers.add("of the base image");
      return;
    }
    ObjectNode layer = layers.addObject();
    if (epoch.isPresent()) {
      layer.put("diffId", diffId);
    }
    ArrayNode tree = layer.putArray("files");
    try (InputStream content = new GZIPInputStream(new ByteArrayInputStream(bytes(descriptor)));
        var tar = new TarArchiveInputStream(content, "UTF-8")) {
      for (TarArchiveEntry e = tar.getNextEntry(); e != null; e = tar.getNextEntry()) {
        tree.add(shown(e, tar.readAllBytes()));
      }
    }
  }

  private String shown(TarArchiveEntry entry, byte[] content) {
    var line = new StringBuilder();
    line.append(String.format("%04o", entry.getMode() & 07777)).append(' ');
    line.append(entry.getLongUserId()).append(':').append(entry.getLongGroupId()).append(' ');
    line.append(entry.getName());
    if (entry.isSymbolicLink()) {
      line.append(" -> ").append(entry.getLinkName());
    } else if (entry.isLink()) {
      line.append(" = ").append(entry.getLinkName());
    } else if (!entry.isFile() && !entry.isDirectory()) {
      line.append(" (type ").append((char) entry.getLinkFlag()).append(')');
    } else if (content.length > 0) {
      line.append(" (").append(content.length).append(" bytes, ");
      line.append(ImageHost.digest(content), 7, 19).append(')');
    }
    Instant time = entry.getLastModifiedTime().toInstant();
    if (epoch.isPresent() && !time.equals(epoch.get())) {
      line.append(" of ").append(time);
    }
    return line.toString();
  }
}
