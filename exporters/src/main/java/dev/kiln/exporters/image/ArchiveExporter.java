package dev.kiln.exporters.image;

import dev.kiln.exporters.Attributes;
import dev.kiln.exporters.Clients;
import dev.kiln.exporters.ExportContext;
import dev.kiln.exporters.ExportResult;
import dev.kiln.exporters.ExportSource;
import dev.kiln.exporters.Exporter;
import dev.kiln.exporters.image.ImageAssembly.Image;
import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Kind;
import dev.kiln.session.FileSend;
import dev.kiln.session.SessionContent;
import dev.kiln.store.Compression;
import dev.kiln.store.RefId;
import dev.kiln.store.Store;
import java.io.IOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * {@code type=oci} and {@code type=docker}: the image as an archive for the client, or blob by blob
 * into a content store that it lends (features ). Source of options: BuildKit v0.22
 * {@code exporter/oci/export.go}.
 */
public final class ArchiveExporter implements Exporter {
  /** The store that the client makes an OCI layout of. */
  private static final String CLIENT_STORE = "export";

  /** The two forms of archives. */
  public enum Variant {
    OCI,
    DOCKER
  }

  private final Store store;
  private final Clients clients;
  private final Variant variant;
  private final int id;
  private final ImageOptions options;
  private final boolean tar;
  private final Map<String, byte[]> metadata;

  public ArchiveExporter(
      Store store, Clients clients, Variant variant, int id, Map<String, String> attributes) {
    this.store = store;
    this.clients = clients;
    this.variant = variant;
    this.id = id;
    var left = new Attributes(attributes);
    this.options = ImageOptions.parse(left, attributes, variant == Variant.OCI, false);
    this.tar = left.flag("tar", true);
    this.metadata = left.rest();
  }

  @Override
  public int id() {
    return id;
  }

  @Override
  public String type() {
    return switch (variant) {
      case OCI -> "oci";
      case DOCKER -> "docker";
    };
  }

  @Override
  public String name() {
    return "exporting to " + type() + " image format";
  }

  @Override
  public Optional<Compression> compression() {
    return Optional.of(options.compression());
  }

  @Override
  public ExportResult export(ExportSource given, ExportContext context)
      throws IOException, InterruptedException {
    if (variant == Variant.DOCKER && given.isMap()) {
      throw new BuildException(
          Kind.UNKNOWN, "docker exporter does not currently support exporting manifest lists");
    }
    ExportSource source = given.with(metadata);
    Image image = new ImageAssembly(store).assemble(source, options, context);
    ImageOptions completed = options.completedBy(source.metadata());
    Descriptor top = image.top();
    if (!top.annotations().containsKey("org.opencontainers.image.created")) {
      Instant created = completed.epoch().orElseGet(Instant::now);
      top =
          top.withAnnotation(
              "org.opencontainers.image.created",
              created.truncatedTo(ChronoUnit.SECONDS).toString());
    }
    var response = new TreeMap<String, String>();
    response.put("containerimage.digest", top.digest().value());
    image.config().ifPresent(c -> response.put("containerimage.config.digest", c.value()));
    response.put(
        "containerimage.descriptor", ImageExporter.encoded(Manifests.descriptor(top).toBytes()));
    List<String> names = names(completed.name());
    if (!names.isEmpty()) {
      response.put("image.name", String.join(",", names));
    }
    for (RefId ref : image.refs()) {
      store.refs().fetchBlobs(ref, context.progress());
    }
    var archive = new Archive(store.content(), variant == Variant.DOCKER, top, names);
    if (tar) {
      sendTar(archive, response, context);
    } else {
      sendBlobs(archive, context);
    }
    return new ExportResult(response, Optional.of(top));
  }

  private static List<String> names(String given) {
    if (given.isEmpty()) {
      return List.of();
    }
    return Arrays.stream(given.split(",", -1))
        .map(name -> {
          try {
            return ImageRef.parseNormalized(name).toString();
          } catch (BuildException e) {
            throw e.wrap("failed to parse " + name);
          }
        })
        .toList();
  }

  private void sendTar(Archive archive, Map<String, String> response, ExportContext context)
      throws IOException, InterruptedException {
    FileSend.FileStream out = FileSend.file(clients.of(context), id, response);
    try (var _ = context.progress().part("sending tarball")) {
      try {
        archive.writeTo(out);
        out.close();
      } catch (IOException | RuntimeException e) {
        out.abort(String.valueOf(e.getMessage()));
        throw e;
      }
    }
  }

  private void sendBlobs(Archive archive, ExportContext context)
      throws IOException, InterruptedException {
    var to = new SessionContent(clients.of(context), CLIENT_STORE);
    for (Descriptor blob : archive.blobs()) {
      to.put(blob.digest(), blob.sizeBytes(), () -> store.content().stream(blob.digest()));
    }
  }
}
