package dev.kiln.exporters.image;

import dev.kiln.exporters.ExportContext;
import dev.kiln.exporters.ExportSource;
import dev.kiln.exporters.ExportSource.Statement;
import dev.kiln.exporters.Purl;
import dev.kiln.exporters.ResultPlatforms;
import dev.kiln.exporters.ResultPlatforms.Entry;
import dev.kiln.exporters.Statements;
import dev.kiln.exporters.Statements.Made;
import dev.kiln.exporters.Statements.Named;
import dev.kiln.exporters.image.Annotations.Place;
import dev.kiln.exporters.image.History.LayerFacts;
import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.model.MediaTypes;
import dev.kiln.model.Platform;
import dev.kiln.model.StepProgress;
import dev.kiln.store.Layer;
import dev.kiln.store.LayerOptions;
import dev.kiln.store.RefId;
import dev.kiln.store.Store;
import java.io.IOException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the image of a result: layers, config and manifest for each platform, statements about
 * them, and an index where there are several things to name. All of it lies in the content store
 * afterwards, but for the bytes of layers that are still lazy. Stateless, any thread; blocks.
 * Source of what is written: BuildKit v0.22 {@code exporter/containerimage/writer.go}.
 */
final class ImageAssembly {
  /** A platform's place for things that run nowhere: statements. */
  private static final Platform NOWHERE = new Platform("unknown", "unknown", "");

  private static final Logger LOG = LoggerFactory.getLogger(ImageAssembly.class);

  private final Store store;

  ImageAssembly(Store store) {
    this.store = store;
  }

  /**
   * What was made.
   *
   * @param top the manifest, or the index
   * @param config of a manifest
   * @param refs the states whose layers the image has
   * @param layers all of them, by the digest of their blob
   */
  record Image(
      Descriptor top, Optional<Digest> config, List<RefId> refs, Map<Digest, Layer> layers) {}

  private static Map<Digest, Layer> byDigest(List<List<Layer>> layers) {
    var all = new HashMap<Digest, Layer>();
    layers.forEach(of -> of.forEach(l -> all.put(l.blob().digest(), l)));
    return Map.copyOf(all);
  }

  private record Manifest(Descriptor descriptor, Digest config) {}

  Image assemble(ExportSource source, ImageOptions given, ExportContext context)
      throws IOException, InterruptedException {
    if (source.isMap() && !source.metadata().containsKey(ResultPlatforms.KEY)) {
      throw new BuildException(
          Kind.UNKNOWN, "unable to export multiple refs, missing platforms mapping");
    }
    ImageOptions options = given.completedBy(source.metadata());
    ResultPlatforms platforms = ResultPlatforms.of(source.metadata());
    checkAnnotations(options.annotations(), platforms);
    boolean indexed = source.isMap() || hasStatements(source, platforms, options);
    if (!indexed) {
      return single(source, platforms, options, context);
    }
    return index(
        source,
        platforms,
        source.attestations().isEmpty() ? options : options.withOciTypes(),
        context);
  }

  private static void checkAnnotations(Annotations annotations, ResultPlatforms platforms) {
    for (var annotation : annotations.all()) {
      boolean known =
          annotation.platform().isEmpty()
              || platforms.entries().stream()
                  .anyMatch(e -> e.platform().equals(annotation.platform().get()));
      if (!known) {
        throw new BuildException(
            Kind.UNKNOWN,
            "invalid annotation: no platform "
                + annotation.platform().get().format()
                + " found in source");
      }
    }
  }

  private static boolean hasStatements(
      ExportSource source, ResultPlatforms platforms, ImageOptions options) {
    return platforms.entries().stream()
        .map(e -> source.statements(e.id()))
        .map(all -> options.inlineAttestations() ? all : Statements.forFiles(all))
        .anyMatch(all -> !all.isEmpty());
  }

  private Image single(
      ExportSource source, ResultPlatforms platforms, ImageOptions options, ExportContext context)
      throws IOException, InterruptedException {
    if (platforms.entries().size() > 1) {
      throw new BuildException(
          Kind.UNKNOWN, "cannot export multiple platforms without multi-platform enabled");
    }
    Annotations annotations = options.annotations();
    if (!annotations.of(Place.INDEX).isEmpty()
        || !annotations.of(Place.INDEX_DESCRIPTOR).isEmpty()) {
      throw new BuildException(
          Kind.UNKNOWN, "index annotations not supported for single platform export");
    }
    Entry platform = platforms.entries().getFirst();
    Optional<RefId> ref = source.of(platform.id());
    List<Layer> layers =
        layers(List.of(ref), List.of(baseOf(source, platform)), options, context).getFirst();
    // a manifest on its own is not marked as one of several: no annotations by platform
    Manifest made =
        manifest(
            source,
            platform,
            layers,
            annotations.of(Place.MANIFEST),
            annotations.of(Place.MANIFEST_DESCRIPTOR),
            options,
            context);
    return new Image(
        made.descriptor().withPlatform(platform.platform()),
        Optional.of(made.config()),
        ref.stream().toList(),
        byDigest(List.of(layers)));
  }

  private Image index(
      ExportSource source, ResultPlatforms platforms, ImageOptions options, ExportContext context)
      throws IOException, InterruptedException {
    var refs = new ArrayList<Optional<RefId>>();
    var bases = new ArrayList<Optional<ImageConfig>>();
    for (Entry platform : platforms.entries()) {
      refs.add(source.of(platform.id()));
      bases.add(baseOf(source, platform));
    }
    List<List<Layer>> layers = layers(refs, bases, options, context);
    var images = new ArrayList<Descriptor>();
    var statements = new ArrayList<Descriptor>();
    for (int i = 0; i < refs.size(); i++) {
      Entry platform = platforms.entries().get(i);
      Descriptor image =
          manifest(
                  source,
                  platform,
                  layers.get(i),
                  options.annotations().of(Place.MANIFEST, platform.platform()),
                  options.annotations().of(Place.MANIFEST_DESCRIPTOR, platform.platform()),
                  options,
                  context)
              .descriptor()
              .withPlatform(platform.platform());
      images.add(image);
      List<Statement> about = source.statements(platform.id());
      if (!about.isEmpty()) {
        var files = new LayerFiles(store, refs.get(i), layers.get(i), context.progress());
        statements.add(
            statements(about, image, platform.platform(), new SbomLayers(files), options, context));
      }
    }
    images.addAll(statements);
    String type = options.ociTypes() ? MediaTypes.OCI_INDEX : MediaTypes.DOCKER_INDEX;
    byte[] json = Manifests.index(type, images, options.annotations().of(Place.INDEX));
    Descriptor top = put(type, json, "exporting manifest list ", context);
    return new Image(
        top.withAnnotations(options.annotations().of(Place.INDEX_DESCRIPTOR)),
        Optional.empty(),
        refs.stream().flatMap(Optional::stream).toList(),
        byDigest(layers));
  }

  private static Optional<ImageConfig> baseOf(ExportSource source, Entry platform) {
    return ResultPlatforms.value(
            source.metadata(), ResultPlatforms.BASE_IMAGE_CONFIG, Optional.of(platform))
        .filter(bytes -> bytes.length > 0)
        .map(ImageConfig::parse);
  }

  /** The layers of each state; all of one step in the progress. */
  private List<List<Layer>> layers(
      List<Optional<RefId>> refs,
      List<Optional<ImageConfig>> bases,
      ImageOptions options,
      ExportContext context)
      throws InterruptedException {
    var all = new ArrayList<List<Layer>>();
    StepProgress progress = context.progress();
    try (var _ = progress.part("exporting layers")) {
      var plain = new LayerOptions(options.compression(), Optional.empty(), options.ociTypes());
      for (Optional<RefId> ref : refs) {
        all.add(ref.isPresent() ? store.refs().layers(ref.get(), plain, progress) : List.of());
      }
    }
    if (options.rewriteTimes() && options.epoch().isPresent()) {
      rewrite(refs, bases, options, context, all);
    } else if (options.rewriteTimes()) {
      LOG.warn("rewrite-timestamp is specified, but no source-date-epoch was found");
    }
    all.forEach(layers -> layers.forEach(l -> context.lease().hold(l.blob().digest())));
    return all;
  }

  /** Layers with times no later than the epoch, but for those of the base image. */
  private void rewrite(
      List<Optional<RefId>> refs,
      List<Optional<ImageConfig>> bases,
      ImageOptions options,
      ExportContext context,
      List<List<Layer>> all)
      throws InterruptedException {
    Instant epoch = options.epoch().orElseThrow();
    StepProgress progress = context.progress();
    String part =
        "rewriting layers with source-date-epoch "
            + epoch.getEpochSecond()
            + " ("
            + epoch.toString().replace('T', ' ').replace("Z", " +0000 UTC")
            + ")";
    try (var _ = progress.part(part)) {
      var clamped = new LayerOptions(options.compression(), options.epoch(), options.ociTypes());
      for (int i = 0; i < refs.size(); i++) {
        if (refs.get(i).isEmpty()) {
          continue;
        }
        List<Layer> kept = all.get(i);
        List<String> base = bases.get(i).map(ImageConfig::diffIds).orElse(List.of());
        int same = 0;
        while (same < kept.size()
            && same < base.size()
            && kept.get(same).diffId().value().equals(base.get(same))) {
          same++;
        }
        if (same < kept.size()) {
          List<Layer> rewritten = store.refs().layers(refs.get(i).orElseThrow(), clamped, progress);
          var both = new ArrayList<>(kept.subList(0, same));
          both.addAll(rewritten.subList(same, rewritten.size()));
          all.set(i, List.copyOf(both));
        }
      }
    }
  }

  private Manifest manifest(
      ExportSource source,
      Entry platform,
      List<Layer> layers,
      SortedMap<String, String> annotations,
      SortedMap<String, String> descriptorAnnotations,
      ImageOptions options,
      ExportContext context)
      throws InterruptedException {
    ImageConfig config =
        ResultPlatforms.value(
                source.metadata(), ResultPlatforms.IMAGE_CONFIG, Optional.of(platform))
            .filter(bytes -> bytes.length > 0)
            .map(ImageConfig::parse)
            .orElseGet(ImageConfig::ofHost);
    List<LayerFacts> facts =
        layers.stream()
            .map(l ->
                new LayerFacts(
                    l.description().isEmpty() ? "created by buildkit" : l.description(),
                    Optional.of(l.createdAt().atOffset(ZoneOffset.UTC))))
            .toList();
    byte[] configJson =
        config.patched(
            layers.stream().map(Layer::diffId).toList(),
            History.reconcile(config.history(), facts),
            context.inlineCache().records(platform.id()),
            options.epoch(),
            baseOf(source, platform));
    var configBlob =
        new Descriptor(
            options.ociTypes() ? MediaTypes.OCI_CONFIG : MediaTypes.DOCKER_CONFIG,
            Digest.of(configJson),
            configJson.length);
    List<Descriptor> blobs = layers.stream().map(l -> layerDescriptor(l.blob(), options)).toList();
    String type = options.ociTypes() ? MediaTypes.OCI_MANIFEST : MediaTypes.DOCKER_MANIFEST;
    byte[] json = Manifests.manifest(type, configBlob, blobs, annotations);
    Descriptor manifest = put(type, json, "exporting manifest ", context);
    put(configBlob.mediaType(), configJson, "exporting config ", context);
    return new Manifest(manifest.withAnnotations(descriptorAnnotations), configBlob.digest());
  }

  private static Descriptor layerDescriptor(Descriptor blob, ImageOptions options) {
    Descriptor shown =
        options.ociTypes() ? LayerAnnotations.shown(blob) : blob.withAnnotations(Map.of());
    return shown.withMediaType(
        LayerTypes.convert(blob.mediaType(), options.ociTypes(), options.keepForeignLayers()));
  }

  private Descriptor statements(
      List<Statement> about,
      Descriptor image,
      Platform platform,
      Statements.Supplement supplement,
      ImageOptions options,
      ExportContext context)
      throws IOException, InterruptedException {
    List<Named> subjects =
        Arrays.stream(options.name().split(","))
            .filter(name -> !name.isEmpty())
            .map(name -> new Named(Purl.of("docker", name, Optional.of(platform)), image.digest()))
            .toList();
    var layers = new ArrayList<Descriptor>();
    for (Made made :
        Statements.make(store.refs(), about, subjects, supplement, context.progress())) {
      Descriptor blob = store.content().put(MediaTypes.IN_TOTO, made.json().toBytes());
      context.lease().hold(blob.digest());
      layers.add(
          options.ociTypes()
              ? blob.withAnnotation("in-toto.io/predicate-type", made.predicateType())
              : blob);
    }
    String type = options.ociTypes() ? MediaTypes.OCI_MANIFEST : MediaTypes.DOCKER_MANIFEST;
    byte[] config =
        options.ociArtifact()
            ? Manifests.EMPTY_CONFIG
            : ImageConfig.ofStatements(layers.stream().map(Descriptor::digest).toList());
    String configType =
        options.ociArtifact()
            ? MediaTypes.OCI_EMPTY
            : options.ociTypes() ? MediaTypes.OCI_CONFIG : MediaTypes.DOCKER_CONFIG;
    Descriptor configBlob = store.content().put(configType, config);
    context.lease().hold(configBlob.digest());
    byte[] json =
        options.ociArtifact()
            ? Manifests.artifact(type, layers, image)
            : Manifests.manifest(type, configBlob, layers, Map.of());
    return put(type, json, "exporting attestation manifest ", context)
        .withAnnotations(
            Map.of(
                "vnd.docker.reference.type",
                "attestation-manifest",
                "vnd.docker.reference.digest",
                image.digest().value()))
        .withPlatform(NOWHERE);
  }

  private Descriptor put(String mediaType, byte[] json, String part, ExportContext context) {
    try (var _ = context.progress().part(part + Digest.of(json))) {
      Descriptor blob = store.content().put(mediaType, json);
      context.lease().hold(blob.digest());
      return blob;
    }
  }
}
