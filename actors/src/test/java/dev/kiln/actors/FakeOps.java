package dev.kiln.actors;

import dev.kiln.llb.BuildRules;
import dev.kiln.llb.Edge;
import dev.kiln.llb.Graph;
import dev.kiln.llb.SourceOp;
import dev.kiln.llb.Vertex;
import dev.kiln.llb.VertexOptions;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.KeyDigest;
import dev.kiln.model.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Vertices by hand whose runners count their calls and wait at gates. A result's id tells its
 * content: the text after {@code =} is what content keys are made from.
 */
final class FakeOps implements OpRunners {
  final Map<String, Fake> fakes = new ConcurrentHashMap<>();
  final AtomicInteger running = new AtomicInteger();
  final AtomicInteger mostRunning = new AtomicInteger();

  /** One vertex: what it is and how it behaves. */
  final class Fake implements OpRunner {
    final String name;
    final List<Fake> inputs;
    final AtomicInteger maps = new AtomicInteger();
    final AtomicInteger contents = new AtomicInteger();
    final AtomicInteger runs = new AtomicInteger();
    final AtomicInteger interrupts = new AtomicInteger();
    final CountDownLatch runStarted = new CountDownLatch(1);
    final CountDownLatch mapStarted = new CountDownLatch(1);
    List<String> keys;
    String content;
    int outputs = 1;
    boolean contentKeys;
    boolean ignoreCache;
    boolean pure;
    boolean permit = true;
    boolean keepsOptions;
    Optional<Digest> selector = Optional.empty();
    Optional<CountDownLatch> runGate = Optional.empty();
    Optional<CountDownLatch> mapGate = Optional.empty();
    Optional<RuntimeException> mapFailure = Optional.empty();
    Optional<RuntimeException> contentFailure = Optional.empty();
    Optional<RuntimeException> runFailure = Optional.empty();
    Optional<Error> mapError = Optional.empty();
    Optional<Error> runError = Optional.empty();
    Optional<Graph> within = Optional.empty();
    List<dev.kiln.model.Detail.SourceLocation> locations = List.of();
    volatile List<String> sessions = List.of();
    private final Map<String, Object> options = new ConcurrentHashMap<>();
    private volatile Optional<OpContext> ranIn = Optional.empty();

    Fake(String name, List<Fake> inputs) {
      this.name = name;
      this.inputs = inputs;
      this.keys = List.of("key-" + name);
      this.content = name;
    }

    Fake key(String... texts) {
      keys = List.of(texts);
      return this;
    }

    Fake content(String text) {
      content = text;
      return this;
    }

    Fake keyedByContent() {
      contentKeys = true;
      return this;
    }

    Fake withoutCache() {
      ignoreCache = true;
      return this;
    }

    Fake gated(CountDownLatch gate) {
      runGate = Optional.of(gate);
      return this;
    }

    Digest digest() {
      return Digest.of("vertex " + name);
    }

    Edge edge() {
      return new Edge(digest(), 0);
    }

    Vertex vertex() {
      return new Vertex(
          digest(),
          digest(),
          new SourceOp("fake://" + name, Map.of()),
          inputs.stream().map(Fake::edge).toList(),
          Optional.empty(),
          new VertexOptions(ignoreCache, Map.of(), Optional.empty(), Optional.empty(), locations),
          name,
          new byte[] {1});
    }

    Graph graph() {
      return graph(0);
    }

    Graph graph(int output) {
      var all = new LinkedHashMap<Digest, Vertex>();
      collect(all);
      return new Graph(new Edge(digest(), output), all);
    }

    private void collect(Map<Digest, Vertex> all) {
      inputs.forEach(input -> input.collect(all));
      all.put(digest(), vertex());
    }

    @Override
    public CacheMap cacheMap(int index, OpContext context) throws InterruptedException {
      maps.incrementAndGet();
      mapStarted.countDown();
      if (mapGate.isPresent()) {
        await(mapGate.get());
      }
      if (mapError.isPresent()) {
        throw mapError.get();
      }
      if (mapFailure.isPresent()) {
        throw mapFailure.get();
      }
      List<CacheMap.Dep> deps =
          inputs.stream().map(i -> new CacheMap.Dep(selector, contentKeys, false)).toList();
      return new CacheMap(
          KeyDigest.of(keys.get(index)),
          deps,
          index == keys.size() - 1,
          Map.of("option-of-" + name, name));
    }

    @Override
    public boolean cacheMapIsPure() {
      return pure;
    }

    @Override
    public Optional<KeyDigest> contentKey(int input, Optional<ResultId> result, OpContext context) {
      contents.incrementAndGet();
      if (contentFailure.isPresent()) {
        throw contentFailure.get();
      }
      return Optional.of(KeyDigest.of("content " + contentOf(result)));
    }

    @Override
    public List<Optional<ResultId>> run(List<Optional<ResultId>> results, OpContext context)
        throws InterruptedException {
      int now = running.incrementAndGet();
      mostRunning.accumulateAndGet(now, Math::max);
      try {
        runs.incrementAndGet();
        ranIn = Optional.of(context);
        if (keepsOptions) {
          options.putAll(optionsOf(context));
        }
        sessions = context.sessionIds();
        Optional<CountDownLatch> gate = runGate; // a test may open the way for the next run
        runStarted.countDown();
        if (gate.isPresent()) {
          await(gate.get());
          sessions = context.sessionIds();
        }
        if (runError.isPresent()) {
          throw runError.get();
        }
        if (runFailure.isPresent()) {
          throw runFailure.get();
        }
        if (within.isPresent()) {
          running.decrementAndGet();
          try {
            return List.of(context.subSolver().solve(within.get()).result());
          } finally {
            running.incrementAndGet();
          }
        }
        var all = new ArrayList<Optional<ResultId>>();
        for (int i = 0; i < outputs; i++) {
          all.add(Optional.of(new ResultId(name + "#" + i + "=" + content)));
        }
        return all;
      } finally {
        running.decrementAndGet();
      }
    }

    /** The jobs that want the vertex now; after its run has started. */
    List<String> jobs() {
      return ranIn.orElseThrow().jobIds();
    }

    /** What those jobs may do; after its run has started. */
    BuildRules rules() {
      return ranIn.orElseThrow().rules();
    }

    /** Where the vertex reports; after its run has started. */
    dev.kiln.model.StepProgress progress() {
      return ranIn.orElseThrow().progress();
    }

    private Map<String, Object> optionsOf(OpContext context) {
      var all = new LinkedHashMap<String, Object>();
      for (String vertex : fakes.keySet()) {
        context.option("option-of-" + vertex).ifPresent(v -> all.put("option-of-" + vertex, v));
      }
      return all;
    }

    /** What the run found beside the keys of what the vertex is made from. */
    Optional<Object> option(String key) {
      return Optional.ofNullable(options.get(key));
    }

    private void await(CountDownLatch gate) throws InterruptedException {
      try {
        gate.await();
      } catch (InterruptedException e) {
        interrupts.incrementAndGet();
        throw e;
      }
    }

    @Override
    public boolean needsPermit() {
      return permit;
    }
  }

  static String contentOf(Optional<ResultId> result) {
    String id = result.map(ResultId::value).orElse("=scratch");
    return id.substring(id.indexOf('=') + 1);
  }

  Fake vertex(String name, Fake... inputs) {
    var fake = new Fake(name, List.of(inputs));
    fakes.put(name, fake);
    return fake;
  }

  @Override
  public OpRunner runner(Vertex vertex) {
    String name = ((SourceOp) vertex.op()).rest();
    Fake fake = fakes.get(name);
    if (fake == null) {
      throw new BuildException(Kind.UNSUPPORTED, "no runner for " + name);
    }
    return fake;
  }

  /** Results that are there; a record of another one cannot be loaded. */
  static final class Results implements ResultLoader {
    final Set<String> gone = ConcurrentHashMap.newKeySet();
    final AtomicInteger loads = new AtomicInteger();

    @Override
    public Optional<ResultId> load(CacheRecord record, OpContext context) {
      loads.incrementAndGet();
      if (gone.contains(record.id())) {
        throw new BuildException(Kind.NOT_FOUND, "no such result " + record.id());
      }
      return record.result();
    }
  }
}
