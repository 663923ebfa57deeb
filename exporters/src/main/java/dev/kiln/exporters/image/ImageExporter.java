package dev.kiln.exporters.image;

import dev.kiln.exporters.Attributes;
import dev.kiln.exporters.ExportContext;
import dev.kiln.exporters.ExportResult;
import dev.kiln.exporters.ExportSource;
import dev.kiln.exporters.Exporter;
import dev.kiln.exporters.image.ImageAssembly.Image;
import dev.kiln.model.BuildException;
import dev.kiln.registry.Credentials;
import dev.kiln.registry.Registry;
import dev.kiln.store.Compression;
import dev.kiln.store.Store;
import dev.kiln.tracing.Traced;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * {@code type=image}: makes an image, which the record of the build keeps, and pushes it to
 * registries (features X-20 to X-30). Source of options: BuildKit v0.22 {@code
 * exporter/containerimage/export.go}.
 */
public final class ImageExporter implements Exporter {
  /** Options that mean something only to a worker with an image store (features X-23, X-24). */
  private static final List<String> FOR_AN_IMAGE_STORE =
      List.of("unpack", "store", "unsafe-internal-store-allow-incomplete", "name-canonical");

  private final Store store;
  private final Registry registry;
  private final Function<List<String>, Credentials> credentials;
  private final int id;
  private final ImageOptions options;
  private final boolean push;
  private final boolean byDigest;
  private final boolean insecure;
  private final boolean danglingOnlyUnnamed;
  private final String danglingPrefix;
  private final Map<String, byte[]> metadata;

  /**
   * @param credentials of the clients that push, by their sessions
   */
  public ImageExporter(
      Store store,
      Registry registry,
      Function<List<String>, Credentials> credentials,
      int id,
      Map<String, String> attributes) {
    this.store = store;
    this.registry = registry;
    this.credentials = credentials;
    this.id = id;
    var left = new Attributes(attributes);
    this.options = ImageOptions.parse(left, attributes, false, true);
    this.push = left.flag("push", false);
    this.byDigest = left.flag("push-by-digest", false);
    this.insecure = left.flag("registry.insecure", false);
    FOR_AN_IMAGE_STORE.forEach(key -> left.flag(key, false));
    this.danglingOnlyUnnamed = left.flag("danging-name-empty-only", false);
    this.danglingPrefix = left.text("dangling-name-prefix").orElse("");
    this.metadata = left.rest();
  }

  @Override
  public int id() {
    return id;
  }

  @Override
  public String type() {
    return "image";
  }

  @Override
  public String name() {
    return "exporting to image";
  }

  @Override
  public Optional<Compression> compression() {
    return Optional.of(options.compression());
  }

  @Override
  public ExportResult export(ExportSource given, ExportContext context)
      throws IOException, InterruptedException {
    ExportSource source = given.with(metadata);
    Image image = new ImageAssembly(store).assemble(source, options, context);
    String digest = image.top().digest().value();
    String names = names(options.completedBy(source.metadata()).name(), digest);
    var response = new TreeMap<String, String>();
    if (!names.isEmpty()) {
      if (push) {
        push(image, List.of(names.split(",")), context);
      }
      response.put("image.name", names);
    }
    response.put("containerimage.digest", digest);
    image.config().ifPresent(c -> response.put("containerimage.config.digest", c.value()));
    response.put("containerimage.descriptor", encoded(Manifests.descriptor(image.top()).toBytes()));
    return new ExportResult(response, Optional.of(image.top()));
  }

  static String encoded(byte[] json) {
    return Base64.getEncoder().encodeToString(json);
  }

  /** The names that the client is told and that are pushed to, comma-separated. */
  private String names(String wanted, String digest) {
    if (danglingPrefix.isEmpty() || danglingOnlyUnnamed && !wanted.isEmpty()) {
      return wanted;
    }
    String dangling = danglingPrefix + "@" + digest;
    return wanted.isEmpty() ? dangling : wanted + "," + dangling;
  }

  private void push(Image image, List<String> targets, ExportContext context)
      throws InterruptedException {
    var sessions = new ArrayList<>(List.of(context.sessionId()));
    for (String name : targets) {
      try {
        Traced.run(
            "push " + name,
            () -> {
              new ImagePush(store, registry, image, context)
                  .to(name, byDigest, insecure, credentials.apply(sessions));
              return true;
            });
      } catch (BuildException e) {
        throw e.wrap("failed to push " + name);
      }
    }
  }
}
