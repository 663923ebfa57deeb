package dev.kiln.gateway;

import dev.kiln.actors.SolvedEdge;
import dev.kiln.actors.SubSolver;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.sourcepolicy.Policy;
import dev.kiln.llb.BuildInfo;
import dev.kiln.llb.CacheImport;
import dev.kiln.llb.Definitions;
import dev.kiln.llb.Entitlements;
import dev.kiln.llb.Frontend;
import dev.kiln.llb.FrontendClient;
import dev.kiln.llb.FrontendRef;
import dev.kiln.llb.FrontendResult;
import dev.kiln.llb.Graph;
import dev.kiln.llb.ImageMeta;
import dev.kiln.llb.ImageQuery;
import dev.kiln.llb.SolveRequest;
import dev.kiln.llb.SourceRewrite;
import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.Kind;
import dev.kiln.model.Progress;
import dev.kiln.sources.SourceMeta;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * One build as its frontends see it: solves definitions and further frontends, all for the same
 * job. Any thread; calls block.
 */
public final class BuildBridge implements FrontendClient {
  private final Build build;
  private final BuildLog log;

  public BuildBridge(Build build) {
    this(build, new BuildLog());
  }

  private BuildBridge(Build build, BuildLog log) {
    this.build = build;
    this.log = log;
  }

  /** What the build's frontends did so far. */
  public BuildLog log() {
    return log;
  }

  /**
   * What a bridge works with. Immutable.
   *
   * @param solver the job's
   * @param frontends those that are enabled, by name
   * @param policies the build's own source policies
   * @param rewrites makes the check of sources from policies
   * @param entitlements what the build was granted
   */
  public record Build(
      Solving solver,
      BuildInfo info,
      Map<String, Frontend> frontends,
      SourceMetas sources,
      RefFiles files,
      List<Policy> policies,
      Function<List<Policy>, SourceRewrite> rewrites,
      Entitlements entitlements,
      Consumer<Progress.Warning> warnings,
      Map<String, Definition> inputs) {
    public Build {
      frontends = Map.copyOf(frontends);
      policies = List.copyOf(policies);
      inputs = Map.copyOf(inputs);
    }
  }

  /** The same build for a frontend that was given these definitions. */
  BuildBridge withInputs(Map<String, Definition> inputs) {
    return new BuildBridge(
        new Build(
            build.solver(),
            build.info(),
            build.frontends(),
            build.sources(),
            build.files(),
            build.policies(),
            build.rewrites(),
            build.entitlements(),
            build.warnings(),
            inputs),
        log);
  }

  Entitlements entitlements() {
    return build.entitlements();
  }

  /** Solves graphs for the job, looking into remote caches beside the daemon's own. */
  @FunctionalInterface
  public interface Solving {
    SolvedEdge solve(Graph graph, List<CacheImport> imports) throws InterruptedException;
  }

  @Override
  public FrontendResult solve(SolveRequest request) throws InterruptedException {
    if (request.definition().isPresent() && !request.frontend().isEmpty()) {
      throw new BuildException(
          Kind.INVALID, "cannot solve with both Definition and Frontend specified");
    }
    FrontendResult result =
        request.definition().isPresent()
            ? FrontendResult.of(load(request.definition().get(), request))
            : request.frontend().isEmpty() ? FrontendResult.of(Optional.empty()) : run(request);
    if (request.evaluate()) {
      evaluate(result);
    }
    return result;
  }

  private FrontendResult run(SolveRequest request) throws InterruptedException {
    Frontend frontend = build.frontends().get(request.frontend());
    if (frontend == null) {
      throw new BuildException(Kind.INVALID, "invalid frontend: " + request.frontend());
    }
    log.asked(request.frontend(), request.opts(), !request.inputs().isEmpty());
    try {
      return frontend.solve(this, request.opts(), request.inputs());
    } catch (BuildException e) {
      throw e.with(
          new Detail.FrontendFailed(request.frontend(), request.opts().getOrDefault("source", "")));
    }
  }

  /** The ref of a definition, not yet built; absent for the empty one. */
  private Optional<FrontendRef> load(Definition definition, SolveRequest request) {
    var all = new ArrayList<>(build.policies());
    all.addAll(request.policies());
    Optional<Graph> graph =
        Definitions.parse(definition, build.info().defaultPlatform(), build.rewrites().apply(all));
    graph = graph.map(build.entitlements()::admit);
    graph.ifPresent(log::loaded);
    SubSolver solver = g -> build.solver().solve(g, request.cacheImports());
    return graph.map(g -> new BridgeRef(definition, g, solver, build.files()));
  }

  private static void evaluate(FrontendResult result) throws InterruptedException {
    for (FrontendRef ref : refs(result)) {
      ref.evaluate();
    }
  }

  /** The refs that a result has, the absent ones left out. */
  static List<FrontendRef> refs(FrontendResult result) {
    var all = new ArrayList<FrontendRef>();
    result.ref().ifPresent(all::add);
    result.refs().values().forEach(ref -> ref.ifPresent(all::add));
    return all;
  }

  @Override
  public ImageMeta resolveImage(ImageQuery query) throws InterruptedException {
    var all = new ArrayList<>(build.policies());
    all.addAll(query.policies());
    var whole =
        new ImageQuery(
            query.ref(),
            query.platform(),
            query.resolveMode(),
            query.logName(),
            query.layout(),
            all);
    ImageMeta image = build.sources().image(whole, List.of(build.info().sessionId()));
    log.resolved(whole, image);
    return image;
  }

  /** What policies make of a source, and the configuration of an image. */
  SourceMeta resolveSource(SourceQuery query) throws InterruptedException {
    var all = new ArrayList<>(build.policies());
    all.addAll(query.policies());
    SourceMeta meta =
        build.sources().source(query.withPolicies(all), List.of(build.info().sessionId()));
    meta.image()
        .ifPresent(image ->
            log.resolved(
                new ImageQuery(
                    image.ref(),
                    query.platform(),
                    query.resolveMode(),
                    query.logName(),
                    meta.op().scheme().equals("oci-layout")
                        ? Optional.of(
                            new ImageQuery.OciLayout(
                                meta.op().attr("oci.session").orElse(""),
                                meta.op().attr("oci.store").orElse("")))
                        : Optional.empty(),
                    all),
                image));
    return meta;
  }

  @Override
  public BuildInfo info() {
    return build.info();
  }

  @Override
  public void warn(Progress.Warning warning) {
    build.warnings().accept(warning);
  }

  @Override
  public Map<String, Definition> inputs() {
    return new TreeMap<>(build.inputs());
  }
}
