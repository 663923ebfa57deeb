package dev.kiln.dockerfile;

import dev.kiln.dockerfile.context.BuildContexts;
import dev.kiln.dockerfile.context.EntryPoint;
import dev.kiln.dockerfile.context.FrontendOptions;
import dev.kiln.dockerfile.convert.ConvertRequest;
import dev.kiln.dockerfile.convert.Converted;
import dev.kiln.dockerfile.convert.Converter;
import dev.kiln.dockerfile.graph.DefinitionWriter;
import dev.kiln.dockerfile.image.ImageJson;
import dev.kiln.dockerfile.lint.Linter;
import dev.kiln.dockerfile.request.Answer;
import dev.kiln.dockerfile.request.Subrequests;
import dev.kiln.dockerfile.syntax.Directives;
import dev.kiln.dockerfile.syntax.LocatedException;
import dev.kiln.dockerfile.text.GoText;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.llb.Frontend;
import dev.kiln.llb.FrontendAttestation;
import dev.kiln.llb.FrontendClient;
import dev.kiln.llb.FrontendRef;
import dev.kiln.llb.FrontendResult;
import dev.kiln.llb.SolveRequest;
import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import dev.kiln.model.Progress;
import dev.kiln.model.SourceRange;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The frontend {@code dockerfile.v0}: reads the Dockerfile that the client named, forwards it to
 * the frontend image that its {@code # syntax=} names, answers questions about it, or converts it
 * for each platform and solves what comes out. Stateless; any thread.
 */
public final class DockerfileFrontend implements Frontend {
  private static final List<String> CAPS =
      List.of(
          "moby.buildkit.frontend.inputs",
          "moby.buildkit.frontend.subrequests",
          "moby.buildkit.frontend.contexts");

  @Override
  public FrontendResult solve(
      FrontendClient client, Map<String, String> opts, Map<String, Definition> inputs)
      throws InterruptedException {
    FrontendOptions options = FrontendOptions.parse(opts);
    Optional<BuildException> missingCap = missingCap(opts.getOrDefault("frontend.caps", ""));
    var contexts = new BuildContexts(client, opts, inputs);
    EntryPoint file = contexts.entryPoint();
    if (!opts.containsKey("cmdline")) {
      Optional<FrontendResult> forwarded = forward(client, opts, inputs, file);
      if (forwarded.isPresent()) {
        return forwarded.get();
      }
    }
    if (missingCap.isPresent()) {
      throw missingCap.get();
    }
    var build = new OneBuild(client, options, contexts, file, new ImageCache(client));
    try {
      return opts.containsKey("requestid")
          ? build.answer(Subrequests.kind(opts.getOrDefault("requestid", "")))
          : build.build();
    } catch (LocatedException e) {
      throw e.in(file.model());
    }
  }

  /**
   * What the client requires and this frontend lacks. A requirement with {@code +forward} may be
   * met by the frontend image that the file names.
   *
   * @throws BuildException at once, if no image may help
   */
  private static Optional<BuildException> missingCap(String required) {
    Optional<BuildException> missing = Optional.empty();
    for (String cap : required.isEmpty() ? new String[0] : required.split(",", -1)) {
      int plus = cap.indexOf('+');
      String name = plus < 0 ? cap : cap.substring(0, plus);
      if (CAPS.contains(name)) {
        continue;
      }
      BuildException failure =
          new BuildException(Kind.UNSUPPORTED, "unsupported frontend capability " + name)
              .with(new Detail.FrontendCapMissing(name));
      if (!cap.contains("+forward")) {
        throw failure;
      }
      missing = Optional.of(failure);
    }
    return missing;
  }

  /**
   * Runs the frontend image that the client or the file names, with the same options and inputs;
   * empty if there is none, or none is needed.
   */
  private static Optional<FrontendResult> forward(
      FrontendClient client,
      Map<String, String> opts,
      Map<String, Definition> inputs,
      EntryPoint file)
      throws InterruptedException {
    String key = "build-arg:BUILDKIT_SYNTAX";
    String asked = opts.get(key);
    boolean builtin = BuiltinSyntax.isWanted(opts);
    if (asked != null) {
      String image = GoText.trim(asked).split(" ", 2)[0];
      if (builtin && BuiltinSyntax.covers(image)) {
        return Optional.empty();
      }
      try {
        return Optional.of(runGateway(client, opts, inputs, image, asked));
      } catch (BuildException e) {
        throw hasPlace(e) ? e : e.wrap("failed with " + key + " = " + asked);
      }
    }
    Optional<Directives.Found> syntax = Directives.syntax(file.text());
    if (syntax.isEmpty() || builtin && BuiltinSyntax.covers(syntax.get().reference())) {
      return Optional.empty();
    }
    Directives.Found found = syntax.get();
    try {
      return Optional.of(runGateway(client, opts, inputs, found.reference(), found.value()));
    } catch (BuildException e) {
      throw hasPlace(e) ? e : e.with(new Detail.SourceLocation(file.model(), found.place()));
    }
  }

  private static boolean hasPlace(BuildException e) {
    return e.details().stream().anyMatch(Detail.SourceLocation.class::isInstance);
  }

  private static FrontendResult runGateway(
      FrontendClient client,
      Map<String, String> opts,
      Map<String, Definition> inputs,
      String image,
      String commandLine)
      throws InterruptedException {
    var forwarded = new HashMap<>(opts);
    forwarded.put("cmdline", commandLine);
    forwarded.put("source", image);
    return client.solve(
        new SolveRequest(
            Optional.empty(), "gateway.v0", forwarded, inputs, List.of(), false, List.of()));
  }

  /** One call of the frontend, after its file is known. */
  private record OneBuild(
      FrontendClient client,
      FrontendOptions options,
      BuildContexts contexts,
      EntryPoint file,
      ImageCache images) {

    FrontendResult answer(Subrequests.Kinds question) throws InterruptedException {
      Answer answer =
          switch (question) {
            case DESCRIBE -> Subrequests.describe();
            case TARGETS -> Subrequests.targets(file.source());
            case OUTLINE ->
                Subrequests.outline(convert(target(), this::warn, false).outline(), file.source());
            case LINT -> lint();
            case CONVERT -> Subrequests.converted(definition(convert(target(), this::warn, false)));
          };
      return new FrontendResult(Optional.empty(), new TreeMap<>(), answer.metadata(), Map.of());
    }

    private Optional<Platform> target() {
      return options.platforms().stream().findFirst();
    }

    /** A check looks at all stages unless one is named; its warnings are the answer. */
    private Answer lint() throws InterruptedException {
      var warnings = new ArrayList<Linter.Warning>();
      Optional<RuntimeException> failure = Optional.empty();
      try {
        convert(Optional.empty(), warnings::add, options.target().isEmpty());
      } catch (BuildException | LocatedException e) {
        failure = Optional.of(e);
      }
      return Subrequests.lint(warnings, failure, file.source());
    }

    FrontendResult build() throws InterruptedException {
      Optional<SbomScan> scan =
          options.sbom().isPresent()
              ? Optional.of(SbomScan.of(client, options.sbom().get(), options.resolveMode()))
              : Optional.empty();
      List<Optional<Platform>> targets =
          options.platforms().isEmpty()
              ? List.of(Optional.empty())
              : options.platforms().stream().map(Optional::of).toList();
      var converted = new ArrayList<Converted>();
      for (int i = 0; i < targets.size(); i++) {
        // Each platform would repeat the warnings of the first.
        Linter.Sink sink = i == 0 ? this::warn : warning -> {};
        converted.add(convert(targets.get(i), sink, false));
      }
      return solve(converted, scan);
    }

    private FrontendResult solve(List<Converted> all, Optional<SbomScan> scan)
        throws InterruptedException {
      Optional<FrontendRef> single = Optional.empty();
      var refs = new TreeMap<String, Optional<FrontendRef>>();
      SortedMap<String, byte[]> metadata = new TreeMap<>();
      var platforms = new ArrayList<ResultMetadata.Exported>();
      for (Converted converted : all) {
        Optional<FrontendRef> ref =
            client
                .solve(
                    SolveRequest.of(definition(converted)).withCacheImports(options.cacheImports()))
                .ref();
        ResultMetadata.Exported exported =
            ResultMetadata.exported(converted.platform(), converted.image());
        platforms.add(exported);
        String suffix = options.multiPlatform() ? "/" + exported.id() : "";
        metadata.put(ResultMetadata.CONFIG + suffix, ImageJson.write(converted.image()));
        converted
            .baseImage()
            .ifPresent(
                base -> metadata.put(ResultMetadata.BASE_CONFIG + suffix, ImageJson.write(base)));
        if (options.multiPlatform()) {
          refs.put(exported.id(), ref);
        } else {
          single = ref;
        }
      }
      var attestations = new HashMap<String, List<FrontendAttestation>>();
      if (scan.isPresent()) {
        for (int i = 0; i < all.size(); i++) {
          String id = platforms.get(i).id();
          Converted target = all.get(i);
          attestations.put(
              id,
              List.of(scan.get().scan(id, target.state(), target.scanned(), target.ignoreCache())));
        }
      }
      metadata.put(ResultMetadata.PLATFORMS, ResultMetadata.platforms(platforms));
      return new FrontendResult(single, refs, metadata, attestations);
    }

    private Converted convert(Optional<Platform> target, Linter.Sink sink, boolean allStages)
        throws InterruptedException {
      return Converter.convert(
          new ConvertRequest(
              file.source(),
              options,
              contexts,
              images,
              target,
              client.info().defaultPlatform(),
              sink,
              allStages));
    }

    private static Definition definition(Converted converted) {
      return DefinitionWriter.write(converted.state(), converted.platform());
    }

    private void warn(Linter.Warning warning) {
      client.warn(
          new Progress.Warning(
              file.vertex(),
              1,
              warning.shown(),
              List.of(warning.rule().description()),
              warning.rule().url(),
              Optional.of(file.model()),
              places(warning)));
    }

    private static List<SourceRange> places(Linter.Warning warning) {
      return warning.place();
    }
  }
}
