package dev.kiln.exporters.image;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.kiln.exporters.Statements;
import dev.kiln.model.Digest;
import dev.kiln.model.FilePaths;
import dev.kiln.model.Json;
import java.io.IOException;
import java.util.Optional;

/**
 * Notes in an SPDX document which layer each of its files comes from (features A-27). A document
 * that is none stays as it is, and so does a file that has a comment already. One thread. Form:
 * BuildKit v0.22 {@code exporter/containerimage/attestations.go}.
 */
final class SbomLayers implements Statements.Supplement {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final LayerFiles layers;

  SbomLayers(LayerFiles layers) {
    this.layers = layers;
  }

  @Override
  public byte[] to(byte[] spdx) throws IOException, InterruptedException {
    JsonNode read;
    try {
      read = Json.parseExactly(spdx);
    } catch (Json.Malformed e) {
      return spdx; // the scanner's to answer for
    }
    if (!(read instanceof ObjectNode document) || !document.path("spdxVersion").isTextual()) {
      return spdx;
    }
    for (JsonNode each : document.path("files")) {
      if (each instanceof ObjectNode file && file.path("comment").asText("").isEmpty()) {
        String path = FilePaths.clean("/" + file.path("fileName").asText(""));
        Optional<Digest> layer = layers.find(path);
        layer.ifPresent(digest -> file.put("comment", "layerID: " + digest.value()));
      }
    }
    document.withObjectProperty("creationInfo").withArrayProperty("creators").add("Tool: kiln");
    return JSON.writeValueAsBytes(document);
  }
}
