package dev.kiln.dockerfile.convert;

import dev.kiln.dockerfile.context.NamedContext;
import dev.kiln.dockerfile.context.Sources;
import dev.kiln.dockerfile.graph.NodeOptions;
import dev.kiln.dockerfile.graph.State;
import dev.kiln.dockerfile.image.ImageConfig;
import dev.kiln.dockerfile.image.ImageJson;
import dev.kiln.dockerfile.shell.Environment;
import dev.kiln.dockerfile.syntax.LocatedException;
import dev.kiln.dockerfile.text.GoText;
import dev.kiln.dockerfile.text.Suggestion;
import dev.kiln.grpc.pb.SourceInfo;
import dev.kiln.llb.ImageMeta;
import dev.kiln.llb.ImageQuery;
import dev.kiln.model.BuildException;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Platform;
import dev.kiln.tracing.Blocking;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;

/**
 * Finds what stages stand on: images, named contexts or nothing (features F-80, F-81). Images of
 * several stages are asked for at once; the stages are changed by the calling thread alone.
 */
final class BaseImages {
  private static final List<String> WELL_KNOWN =
      List.of("alpine", "busybox", "centos", "debian", "golang", "ubuntu", "fedora");

  private final ConvertRequest request;
  private final StagePlan plan;
  private final FileChecks checks;
  private final SourceInfo source;

  BaseImages(ConvertRequest request, StagePlan plan, FileChecks checks) {
    this.request = request;
    this.plan = plan;
    this.checks = checks;
    this.source = request.source();
  }

  /** What was found for a stage, before the stage takes it. */
  private sealed interface Found {
    record Context(NamedContext.Loaded loaded, boolean wholeStage) implements Found {}

    record Image(ImageMeta meta) implements Found {}

    record NotNeeded() implements Found {}
  }

  /**
   * Gives each stage without a stage below it what it stands on. May be called again when triggers
   * of base images brought new stages.
   *
   * @throws LocatedException with the stage's FROM line
   */
  void resolve(Set<PlannedStage> needed) throws InterruptedException {
    Map<PlannedStage, Blocking.Task<Found>> open = new LinkedHashMap<>();
    for (PlannedStage stage : plan.all()) {
      if (stage.parent.isPresent() || stage.dispatched || stage.resolved) {
        continue;
      }
      stage.resolved = needed.contains(stage);
      if (stage.base.equals("scratch") && stage.context.isEmpty()) {
        stage.state = State.scratch();
        stage.image = ImageConfig.empty(request.targetOrBuild());
        stage.platform = Optional.of(request.targetOrBuild());
        stage.dispatched |= stage.implicit;
      } else if (stage.resolved) {
        open.put(stage, Blocking.start("resolve " + stage.base, () -> find(stage)));
      } else {
        at(stage, () -> take(stage, new Found.NotNeeded()));
      }
    }
    try {
      for (Map.Entry<PlannedStage, Blocking.Task<Found>> task : open.entrySet()) {
        at(task.getKey(), () -> take(task.getKey(), result(task.getValue())));
      }
    } finally {
      open.values().forEach(Blocking.Task::interrupt); // after a failure nobody needs the others
    }
  }

  /** Work on a stage whose failure belongs to its FROM line. */
  @FunctionalInterface
  private interface Step {
    void run() throws InterruptedException;
  }

  private static void at(PlannedStage stage, Step step) throws InterruptedException {
    try {
      step.run();
    } catch (BuildException | LocatedException e) {
      throw LocatedException.at(stage.askedAt, e);
    }
  }

  private static Found result(Blocking.Task<Found> task) throws InterruptedException {
    try {
      return task.done().toCompletableFuture().get();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : BuildException.of(e);
    }
  }

  private ImageRef reference(PlannedStage stage) {
    try {
      return ImageRef.parseNormalized(stage.base);
    } catch (BuildException e) {
      throw e.wrap("failed to parse stage name " + GoText.quote(stage.base));
    }
  }

  private Platform wantedPlatform(PlannedStage stage) {
    return stage.platform.orElse(request.targetOrBuild());
  }

  /** Runs beside the conversion: reads the stage, never writes it. */
  private Found find(PlannedStage stage) throws InterruptedException {
    ImageRef ref = reference(stage);
    if (stage.context.isPresent()) {
      return new Found.Context(stage.context.get().load(), true);
    }
    Platform platform = wantedPlatform(stage);
    Optional<NamedContext> named = namedContext(ref.toString(), Optional.of(platform), stage);
    if (named.isPresent()) {
      return new Found.Context(named.get().load(), false);
    }
    String prefix = request.options().multiPlatform() ? platform.format() + " " : "";
    try {
      return new Found.Image(
          request
              .images()
              .resolve(
                  new ImageQuery(
                      ref.toString(),
                      Optional.of(platform),
                      request.options().resolveMode(),
                      "[" + prefix + "internal] load metadata for " + ref)));
    } catch (BuildException e) {
      var options = new ArrayList<>(plan.names());
      options.addAll(wellKnown());
      throw Suggestion.explain(e.wrap(stage.base), stage.base, options, true);
    }
  }

  /** The named context that stands for {@code name}; the two reserved names have none. */
  Optional<NamedContext> namedContext(
      String name, Optional<Platform> platform, PlannedStage stage) {
    String lower = name.toLowerCase(Locale.ROOT);
    if (lower.equals("scratch") || lower.equals("context")) {
      return Optional.empty();
    }
    return request
        .contexts()
        .named(
            name,
            new NamedContext.Options(
                platform,
                request.options().resolveMode(),
                () -> PlannedStage.followPaths(stage.takenPaths)));
  }

  private static List<String> wellKnown() {
    return WELL_KNOWN.stream().flatMap(n -> List.of(n, n + ":latest").stream()).toList();
  }

  private void take(PlannedStage stage, Found found) {
    switch (found) {
      case Found.Context(NamedContext.Loaded loaded, boolean wholeStage) -> {
        if (wholeStage) {
          takeStage(stage, loaded);
        } else {
          takeContext(stage, loaded);
        }
      }
      case Found.Image(ImageMeta meta) -> takeImage(stage, meta);
      case Found.NotNeeded() -> {
        ImageRef ref = reference(stage);
        Platform platform = wantedPlatform(stage);
        stage.base = ref.toString();
        stage.state = image(stage, platform);
        stage.platform = Optional.of(platform);
      }
    }
    stage.dispatched |= stage.implicit;
  }

  /** The context stands for the whole stage: its instructions are not run. */
  private static void takeStage(PlannedStage stage, NamedContext.Loaded loaded) {
    stage.dispatched = true;
    stage.state = loaded.state();
    loaded
        .image()
        .ifPresent(image -> {
          stage.image = image;
          image.platform().ifPresent(platform -> stage.platform = Optional.of(platform));
        });
  }

  private void takeContext(PlannedStage stage, NamedContext.Loaded loaded) {
    Platform platform = wantedPlatform(stage);
    stage.base = reference(stage).toString();
    stage.image = loaded.image().orElseGet(() -> ImageConfig.empty(request.targetOrBuild()));
    stage.state = loaded.state().withPlatform(platform);
    stage.platform = Optional.of(platform);
  }

  private void takeImage(PlannedStage stage, ImageMeta meta) {
    ImageRef asked = reference(stage);
    String written = stage.base;
    ImageRef ref = meta.ref().isEmpty() ? asked : ImageRef.parse(meta.ref());
    ImageConfig image = ImageJson.parse(meta.config());
    stage.baseImage = Optional.of(image.copy());
    image.clearCreated();
    Platform platform = wantedPlatform(stage);
    if (stage.platform.isEmpty() && request.target().isEmpty()) {
      platform = detected(image, platform);
    }
    stage.base = ref.withDigest(meta.digest()).toString();
    stage.image = image;
    if (image.hasNoLayers()) {
      stage.state = State.scratch();
    } else {
      stage.state = image(stage, platform);
      checks.basePlatform(
          written,
          platform,
          new Platform(image.os(), image.architecture(), image.variant()),
          stage.place);
    }
    stage.platform = Optional.of(platform);
  }

  /** Without a wish of the client's, the daemon's platform that fits the image. */
  private Platform detected(ImageConfig image, Platform target) {
    if (target.os().equals(image.os()) && target.architecture().equals(image.architecture())) {
      return target;
    }
    Platform build = request.build();
    return build.os().equals(image.os()) && build.architecture().equals(image.architecture())
        ? build
        : target;
  }

  private State image(PlannedStage stage, Platform platform) {
    Optional<Platform> shown =
        request.options().multiPlatform() ? Optional.of(platform) : Optional.empty();
    String name = StepNames.next(stage, "FROM " + stage.base, shown, Environment.EMPTY);
    return State.of(
        Sources.image(
            stage.base,
            request.options().resolveMode(),
            NodeOptions.named(name)
                .withDescription("com.docker.dockerfile.v1.command", stage.fromText)
                .withPlatform(platform)
                .withPlace(new NodeOptions.Place(source, stage.place))));
  }
}
