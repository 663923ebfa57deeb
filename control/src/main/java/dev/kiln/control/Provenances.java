package dev.kiln.control;

import dev.kiln.actors.CacheKey;
import dev.kiln.actors.CacheRecord;
import dev.kiln.actors.CacheTable;
import dev.kiln.actors.ResultId;
import dev.kiln.actors.SolvedEdge;
import dev.kiln.control.history.Capture;
import dev.kiln.control.history.Provenance;
import dev.kiln.control.history.Provenance.StepLayers;
import dev.kiln.control.history.ProvenanceOptions;
import dev.kiln.exec.usage.Sampling;
import dev.kiln.exporters.ExportSource;
import dev.kiln.exporters.ExportSource.Statement;
import dev.kiln.exporters.Exporter;
import dev.kiln.exporters.ResultPlatforms;
import dev.kiln.exporters.ResultPlatforms.Entry;
import dev.kiln.exporters.image.LayerAnnotations;
import dev.kiln.gateway.BridgeRef;
import dev.kiln.gateway.BuildLog;
import dev.kiln.llb.Edge;
import dev.kiln.llb.FrontendRef;
import dev.kiln.llb.FrontendResult;
import dev.kiln.llb.Graph;
import dev.kiln.llb.Vertex;
import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.Platform;
import dev.kiln.model.StepProgress;
import dev.kiln.ops.Materials;
import dev.kiln.ops.StoreLeases;
import dev.kiln.ops.exec.StepUsages;
import dev.kiln.sources.Material;
import dev.kiln.store.Compression;
import dev.kiln.store.Layer;
import dev.kiln.store.LayerOptions;
import dev.kiln.store.Lease;
import dev.kiln.store.RefId;
import dev.kiln.store.Refs;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Tells how results were made: attached to them where the client asks for it ({@code
 * attest:provenance}), and for the record of each build. Any thread; blocks. Source of the rules:
 * BuildKit v0.22 {@code solver/llbsolver/proc/provenance.go}, {@code solver/llbsolver/solver.go}.
 */
final class Provenances {
  /** For the key of a single result. */
  static final String DEFAULT = "";

  private final Refs refs;
  private final CacheTable keys;
  private final Materials materials;
  private final StepUsages usages;
  private final Clock clock;

  Provenances(Refs refs, CacheTable keys, Materials materials, StepUsages usages, Clock clock) {
    this.refs = refs;
    this.keys = keys;
    this.materials = materials;
    this.usages = usages;
    this.clock = clock;
  }

  /**
   * One build that has its result.
   *
   * @param system what the machine used since the build started; closed by who made it
   */
  record Built(
      String id,
      Instant started,
      FrontendResult result,
      BuildLog log,
      List<Exporter> exporters,
      Sampling system) {
    /** The same where no exporter came to its end: nothing is known to be packed. */
    Built unexported() {
      return new Built(id, started, result, log, List.of(), system);
    }
  }

  /** The result with a statement for each of its platforms. */
  ExportSource attach(ExportSource source, ProvenanceOptions options, Built built, Lease lease)
      throws InterruptedException {
    ResultPlatforms platforms = ResultPlatforms.of(source.metadata());
    var all = new HashMap<>(source.attestations());
    for (Entry platform : platforms.entries()) {
      Optional<FrontendRef> ref = built.result().of(platform.id());
      if (ref.isEmpty() || !(ref.get() instanceof BridgeRef bridged)) {
        continue;
      }
      var statements = new ArrayList<>(source.statements(platform.id()));
      Provenance provenance = provenance(options, built, bridged, Optional.of(platform), platforms);
      List<StepLayers> layers =
          options.max() ? layers(bridged, built.exporters(), lease) : List.of();
      statements.add(new Statement(provenance.attestation(layers), Optional.empty()));
      all.put(platform.id(), List.copyOf(statements));
    }
    return new ExportSource(source.ref(), source.refs(), source.metadata(), all);
  }

  /** A predicate as JSON. */
  record Told(String predicateType, byte[] predicate) {}

  /**
   * What the build's record says of each of its results, by their keys ({@link #DEFAULT} for a
   * single one): told in full, whatever the client wants attached (features A-12).
   *
   * @param builderId as the client names the builder
   */
  SortedMap<String, Told> forRecord(Built built, String builderId, Lease lease)
      throws InterruptedException {
    ProvenanceOptions options = ProvenanceOptions.full(builderId);
    ResultPlatforms platforms = platforms(built.result());
    Map<String, Optional<FrontendRef>> refs = new TreeMap<>(built.result().refs());
    built.result().ref().ifPresent(ref -> refs.put(DEFAULT, Optional.of(ref)));
    SortedMap<String, Told> all = new TreeMap<>();
    for (var each : refs.entrySet()) {
      if (each.getValue().isPresent() && each.getValue().get() instanceof BridgeRef ref) {
        Optional<Entry> platform =
            platforms.entries().stream()
                .filter(e -> each.getKey().equals(DEFAULT) || e.id().equals(each.getKey()))
                .findFirst();
        Provenance told = provenance(options, built, ref, platform, platforms);
        byte[] predicate = told.predicate(layers(ref, built.exporters(), lease));
        all.put(each.getKey(), new Told(told.predicateType(), predicate));
      }
    }
    return all;
  }

  /** A malformed list is for exporters to refuse: without one the record does without platforms. */
  private static ResultPlatforms platforms(FrontendResult result) {
    try {
      return ResultPlatforms.of(result.metadata());
    } catch (BuildException e) {
      return new ResultPlatforms(List.of());
    }
  }

  private Provenance provenance(
      ProvenanceOptions options,
      Built built,
      BridgeRef ref,
      Optional<Entry> platform,
      ResultPlatforms platforms) {
    Set<Digest> otherResults = new HashSet<>();
    built.result().refs().values().forEach(r -> r.ifPresent(x -> addRoot(x, otherResults)));
    built
        .result()
        .attestations()
        .values()
        .forEach(list -> list.forEach(a -> a.ref().ifPresent(x -> addRoot(x, otherResults))));
    var graphs = new ArrayList<Graph>(List.of(ref.graph()));
    for (Graph graph : built.log().graphs()) {
      if (!otherResults.contains(graph.root().vertex())) {
        graphs.add(graph);
      }
    }
    Optional<BuildLog.Asked> asked = built.log().asked();
    Capture capture =
        Capture.of(
            graphs,
            materials,
            images(built.log(), platform, platforms),
            asked.map(BuildLog.Asked::hasInputs).orElse(false));
    return new Provenance(
        options,
        asked
            .map(a -> new Provenance.Request(a.frontend(), a.opts()))
            .orElse(Provenance.Request.NONE),
        capture,
        Optional.of(ref.definition()),
        new Provenance.Run(built.id(), built.started(), clock.instant()),
        () -> usage(built, ref.graph()));
  }

  private Provenance.Usage usage(Built built, Graph graph) {
    Map<Digest, String> steps = new HashMap<>();
    for (Digest vertex : graph.vertices().keySet()) {
      usages.of(vertex, built.started()).ifPresent(usage -> steps.put(vertex, usage.json()));
    }
    return new Provenance.Usage(steps, built.system().taken());
  }

  private static void addRoot(FrontendRef ref, Set<Digest> roots) {
    if (ref instanceof BridgeRef bridged) {
      roots.add(bridged.graph().root().vertex());
    }
  }

  /**
   * The images that frontends looked at. One that was looked at for every platform of the result
   * counts only for its own.
   */
  private static List<Material.Image> images(
      BuildLog log, Optional<Entry> platform, ResultPlatforms platforms) {
    var all =
        log.images().stream()
            .map(r ->
                new Material.Image(
                    r.query().ref(),
                    r.query().platform(),
                    Optional.of(r.image().digest()),
                    r.query().layout().isPresent()))
            .toList();
    if (platform.isEmpty() || platforms.entries().size() < 2) {
      return all;
    }
    return all.stream()
        .filter(image ->
            image.platform().isEmpty()
                || isOf(image.platform().get(), platform.get().platform())
                || !platforms.entries().stream()
                    .allMatch(e ->
                        all.stream()
                            .anyMatch(i ->
                                i.ref().equals(image.ref())
                                    && i.platform().map(p -> isOf(p, e.platform())).orElse(false))))
        .toList();
  }

  private static boolean isOf(Platform image, Platform result) {
    return image.os().equals(result.os()) && image.architecture().equals(result.architecture());
  }

  /**
   * The layers of the result and of the states that it is built on, where an exporter packs layers
   * at all: those that it will ask for in a moment.
   */
  private List<StepLayers> layers(BridgeRef ref, List<Exporter> exporters, Lease lease)
      throws InterruptedException {
    Optional<Compression> compression =
        exporters.stream().flatMap(e -> e.compression().stream()).findFirst();
    SolvedEdge solved = ref.solve();
    if (compression.isEmpty() || solved.result().isEmpty()) {
      return List.of();
    }
    RefId result = StoreLeases.ref(solved.result().get());
    Map<Edge, Set<RefId>> found = find(ref.graph(), solved.keys(), chain(result, lease));
    found.computeIfAbsent(ref.graph().root(), _ -> new HashSet<>()).add(result);
    var layers = new ArrayList<StepLayers>();
    LayerOptions options = LayerOptions.of(compression.get());
    for (var each : found.entrySet()) {
      var chains = new ArrayList<List<Descriptor>>();
      for (RefId state : each.getValue()) {
        List<Descriptor> blobs =
            refs.layers(state, options, StepProgress.NONE).stream()
                .map(Layer::blob)
                .map(LayerAnnotations::shown)
                .toList();
        if (!chains.contains(blobs)) {
          chains.add(blobs);
        }
      }
      chains.sort(Comparator.comparing(Object::toString)); // a set has no order of its own
      layers.add(new StepLayers(each.getKey().vertex(), each.getKey().index(), chains));
    }
    return layers;
  }

  /** A state and all that it is built on. A loop: chains may be longer than a thread's stack. */
  private Set<RefId> chain(RefId top, Lease lease) {
    Set<RefId> chain = new HashSet<>();
    Deque<RefId> left = new ArrayDeque<>(List.of(top));
    while (!left.isEmpty()) {
      RefId state = left.pop();
      if (chain.add(state)) {
        left.addAll(refs.get(lease, state).parents());
      }
    }
    return chain;
  }

  /** An edge with keys that it is known by. */
  private record Known(Edge edge, List<CacheKey> keys) {}

  /** Follows the keys of an edge and the graph side by side, to know which state is whose. */
  private Map<Edge, Set<RefId>> find(Graph graph, List<CacheKey> root, Set<RefId> chain) {
    Map<Edge, Set<RefId>> found = new HashMap<>();
    Set<CacheKey> seen = new HashSet<>();
    Deque<Known> left = new ArrayDeque<>(List.of(new Known(graph.root(), root)));
    while (!left.isEmpty()) {
      Known at = left.pop();
      Vertex vertex = graph.vertex(at.edge().vertex());
      for (CacheKey key : at.keys()) {
        if (!seen.add(key)) {
          continue;
        }
        for (CacheRecord record : keys.idOf(key).map(keys::records).orElse(List.of())) {
          Optional<RefId> state = record.result().map((ResultId r) -> StoreLeases.ref(r));
          if (state.isPresent() && chain.contains(state.get())) {
            found.computeIfAbsent(at.edge(), _ -> new HashSet<>()).add(state.get());
          }
        }
        for (int i = 0; i < key.deps().size() && i < vertex.inputs().size(); i++) {
          List<CacheKey> below = key.deps().get(i).stream().map(CacheKey.Dep::key).toList();
          left.push(new Known(vertex.inputs().get(i), below));
        }
      }
    }
    return found;
  }
}
