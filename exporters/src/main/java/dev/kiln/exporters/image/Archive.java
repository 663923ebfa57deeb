package dev.kiln.exporters.image;

import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.GoJson;
import dev.kiln.model.ImageRef;
import dev.kiln.model.MediaTypes;
import dev.kiln.registry.Manifests.Manifest;
import dev.kiln.store.content.ContentStore;
import dev.kiln.store.layer.TarEntry;
import dev.kiln.store.layer.TarWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * An image as a tar stream: an OCI layout, to which the Docker form adds {@code manifest.json}.
 * Entries are sorted by name and carry no times, so equal images are equal archives. Immutable;
 * {@link #writeTo} blocks. Source: OCI image-spec, image-layout.md; containerd v2 {@code
 * core/images/archive/exporter.go}.
 */
final class Archive {
  private static final String NAME = "io.containerd.image.name";
  private static final String REF_NAME = "org.opencontainers.image.ref.name";
  private final ContentStore content;
  private final boolean docker;
  private final Descriptor top;
  private final List<String> names;

  /**
   * @param names full references with a tag or digest; may be empty
   */
  Archive(ContentStore content, boolean docker, Descriptor top, List<String> names) {
    this.content = content;
    this.docker = docker;
    this.top = top;
    this.names = names;
  }

  /** All blobs of the image, each after those it points to. */
  List<Descriptor> blobs() {
    Map<Digest, Descriptor> all = new LinkedHashMap<>();
    collect(top, all);
    return List.copyOf(all.values());
  }

  private void collect(Descriptor top, Map<Digest, Descriptor> all) {
    var found = new ArrayDeque<Descriptor>();
    var open = new ArrayDeque<>(List.of(top));
    while (!open.isEmpty()) {
      Descriptor of = open.pop();
      found.push(of);
      if (MediaTypes.isIndex(of.mediaType())) {
        dev.kiln.registry.Manifests.index(content.read(of.digest())).forEach(open::push);
      }
    }
    found.forEach(of -> enter(of, all)); // what is named before what names it
  }

  private void enter(Descriptor of, Map<Digest, Descriptor> all) {
    if (MediaTypes.isManifest(of.mediaType())) {
      Manifest manifest = dev.kiln.registry.Manifests.manifest(content.read(of.digest()));
      all.putIfAbsent(manifest.config().digest(), manifest.config());
      manifest.layers().forEach(layer -> all.putIfAbsent(layer.digest(), layer));
    }
    all.putIfAbsent(of.digest(), of);
  }

  void writeTo(OutputStream out) throws IOException {
    Map<String, byte[]> small = new TreeMap<>();
    small.put("oci-layout", utf8("{\"imageLayoutVersion\":\"1.0.0\"}"));
    small.put("index.json", Manifests.layoutIndex(tops()));
    if (docker && MediaTypes.isManifest(top.mediaType())) {
      small.put("manifest.json", dockerManifest());
    }
    Map<String, Descriptor> blobs = new TreeMap<>();
    blobs().forEach(b -> blobs.put(path(b.digest()), b));
    try (var tar = new TarWriter(out)) {
      tar.entry(TarEntry.directory("blobs/", 0755, 0));
      tar.entry(TarEntry.directory("blobs/sha256/", 0755, 0));
      for (var blob : blobs.entrySet()) {
        tar.entry(TarEntry.file(blob.getKey(), 0444, blob.getValue().sizeBytes(), 0));
        try (InputStream in = content.stream(blob.getValue().digest())) {
          tar.body(in);
        }
      }
      for (var file : small.entrySet()) {
        int mode = file.getKey().equals("oci-layout") ? 0444 : 0644;
        tar.entry(TarEntry.file(file.getKey(), mode, file.getValue().length, 0));
        tar.body(file.getValue());
      }
    }
  }

  /** The image once for each of its names. */
  private List<Descriptor> tops() {
    if (names.isEmpty()) {
      return List.of(top);
    }
    var all = new ArrayList<Descriptor>();
    for (String name : names) {
      ImageRef ref = ImageRef.parse(name);
      String object =
          ref.tag()
              .map(t -> t + ref.digest().map(d -> "@" + d).orElse(""))
              .or(() -> ref.digest().map(Digest::value))
              .orElse("");
      all.add(top.withAnnotation(NAME, name).withAnnotation(REF_NAME, object));
    }
    return all;
  }

  private byte[] dockerManifest() {
    Manifest manifest = dev.kiln.registry.Manifests.manifest(content.read(top.digest()));
    List<String> tags =
        names.stream().map(ImageRef::parseNormalized).map(ImageRef::familiar).toList();
    GoJson entry =
        GoJson.object()
            .text("Config", path(manifest.config().digest()))
            .raw("RepoTags", tags.isEmpty() ? "null" : GoJson.texts(tags))
            .raw(
                "Layers",
                manifest.layers().isEmpty()
                    ? "null"
                    : GoJson.texts(manifest.layers().stream().map(l -> path(l.digest())).toList()));
    return utf8(GoJson.array(List.of(entry.toString())));
  }

  private static String path(Digest digest) {
    return "blobs/sha256/" + digest.hex();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
