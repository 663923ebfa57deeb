package dev.kiln.control.history;

import dev.kiln.exporters.Purl;
import dev.kiln.model.GoJson;
import dev.kiln.sources.Material;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The materials of a build as SLSA lists them: images, then git, then http. Stateless. */
final class MaterialList {
  private MaterialList() {}

  static List<GoJson> of(Capture capture) {
    var all = new ArrayList<GoJson>();
    for (Material.Image image : capture.images()) {
      GoJson json =
          GoJson.object()
              .text(
                  "uri", Purl.of(image.local() ? "oci" : "docker", image.ref(), image.platform()));
      image.digest().ifPresent(d -> json.mapIfSet("digest", Map.of("sha256", d.hex())));
      all.add(json);
    }
    for (Material.Git git : capture.git()) {
      all.add(
          GoJson.object().text("uri", git.url()).mapIfSet("digest", Map.of("sha1", git.commit())));
    }
    for (Material.Http http : capture.http()) {
      GoJson json = GoJson.object().text("uri", http.url());
      http.digest().ifPresent(d -> json.mapIfSet("digest", Map.of("sha256", d.hex())));
      all.add(json);
    }
    return all;
  }
}
