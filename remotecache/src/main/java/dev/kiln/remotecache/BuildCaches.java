package dev.kiln.remotecache;

import dev.kiln.actors.CacheTable;
import dev.kiln.actors.Job;
import dev.kiln.actors.SolvedEdge;
import dev.kiln.exporters.ExportContext;
import dev.kiln.exporters.Parallel;
import dev.kiln.llb.CacheImport;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.model.StepProgress;
import dev.kiln.remotecache.graph.CacheWalk;
import dev.kiln.remotecache.graph.ConfigWriter;
import dev.kiln.remotecache.graph.KeyGraph;
import dev.kiln.store.Compression;
import dev.kiln.store.Layer;
import dev.kiln.store.LayerOptions;
import dev.kiln.store.Lease;
import dev.kiln.store.RefId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The remote caches of one build: imports are opened once, when first asked for, and exports are
 * written at its end. Any thread; calls block.
 */
public final class BuildCaches {
  private final RemoteCaches caches;
  private final Job job;
  private final CacheTable local;
  private final List<CacheExport> exports;
  private final Lease lease;
  private final Map<String, Import> imports = new ConcurrentHashMap<>();

  /**
   * @param local the daemon's own cache
   * @param lease holds what is exported
   */
  public BuildCaches(
      RemoteCaches caches, Job job, CacheTable local, List<CacheExport> exports, Lease lease) {
    this.caches = caches;
    this.job = job;
    this.local = local;
    this.exports = List.copyOf(exports);
    this.lease = lease;
  }

  /** One imported cache, read when first wanted, by one caller. */
  private final class Import {
    private final CacheImport asked;
    private final ReentrantLock lock = new ReentrantLock();
    private volatile boolean done;
    private volatile Optional<CacheTable> table = Optional.empty();

    Import(CacheImport asked) {
      this.asked = asked;
    }

    Optional<CacheTable> open() throws InterruptedException {
      lock.lockInterruptibly();
      try {
        if (!done) {
          String name = "importing cache manifest from " + RemoteCaches.id(asked);
          try {
            table =
                Optional.of(
                    job.step(
                        name,
                        name,
                        progress ->
                            caches.open(
                                asked, job.sessionId(), caches.lease(job.lease()), progress)));
          } catch (BuildException e) {
            if (e.kind() == Kind.CANCELED) {
              throw e;
            }
            // Shown at its step, which is all that happens (features V-32).
          }
          done = true;
        }
        return table;
      } finally {
        lock.unlock();
      }
    }
  }

  /** The tables of these caches; one that cannot be read fails its step and is left out. */
  public List<CacheTable> open(List<CacheImport> asked) throws InterruptedException {
    var wanted = new LinkedHashMap<String, Import>();
    for (CacheImport one : asked) {
      String id = RemoteCaches.id(one);
      wanted.put(id, imports.computeIfAbsent(id, i -> new Import(one)));
    }
    List<Optional<CacheTable>> tables =
        Parallel.run(
            "import-cache",
            wanted.values().stream().<Callable<Optional<CacheTable>>>map(i -> i::open).toList());
    return tables.stream().flatMap(Optional::stream).toList();
  }

  /** What images carry of the cache: nothing where the client did not ask for it. */
  public ExportContext.InlineCache inline(
      Map<String, SolvedEdge> results, Optional<Compression> compression, StepProgress progress) {
    if (exports.stream().noneMatch(CacheExport::isInline)) {
      return ExportContext.InlineCache.NONE;
    }
    return platform -> {
      SolvedEdge edge = results.get(platform);
      if (edge == null && results.size() == 1) {
        edge = results.values().iterator().next();
      }
      if (edge == null || edge.result().isEmpty()) {
        return Optional.empty();
      }
      try (var _ = progress.part("preparing layers for inline cache")) {
        return records(edge, compression.orElse(Compression.GZIP), progress);
      }
    };
  }

  private Optional<byte[]> records(SolvedEdge edge, Compression compression, StepProgress progress)
      throws InterruptedException {
    List<Layer> layers =
        caches
            .store()
            .refs()
            .layers(
                new RefId(edge.result().orElseThrow().value()),
                LayerOptions.of(compression),
                progress);
    return ConfigWriter.writeInline(
        graph(List.of(edge), CacheWalk.Mode.MIN, compression, progress), layers);
  }

  private KeyGraph graph(
      Collection<SolvedEdge> results,
      CacheWalk.Mode mode,
      Compression compression,
      StepProgress progress)
      throws InterruptedException {
    var tables = new ArrayList<CacheTable>(List.of(local));
    imports.values().forEach(i -> i.table.ifPresent(tables::add));
    var graph = new KeyGraph();
    var walk =
        new CacheWalk(
            graph, tables, mode, new StoreResults(caches.store(), compression, lease, progress));
    for (SolvedEdge edge : results) {
      walk.add(edge.keys().getFirst());
    }
    return graph;
  }

  /**
   * Writes all exports, each shown as a step of its own.
   *
   * @return values for the client by key
   */
  public Map<String, String> export(Collection<SolvedEdge> results) throws InterruptedException {
    var works = new ArrayList<Callable<Map<String, String>>>();
    for (CacheExport export : exports) {
      if (!export.isInline()) {
        int number = works.size();
        works.add(() -> export(export, number, results));
      }
    }
    var response = new TreeMap<String, String>();
    Parallel.run("export-cache", works).forEach(response::putAll);
    return response;
  }

  private Map<String, String> export(CacheExport export, int number, Collection<SolvedEdge> results)
      throws InterruptedException {
    try {
      return job.step(
          job.sessionId() + "-cache-" + number,
          export.name(),
          progress -> {
            try (var _ = progress.part("preparing build cache for export")) {
              KeyGraph graph = graph(results, export.mode(), export.compression(), progress);
              return export.target().orElseThrow().write(ConfigWriter.write(graph), progress);
            }
          });
    } catch (BuildException e) {
      if (export.ignoresErrors() && e.kind() != Kind.CANCELED) {
        return Map.of(); // shown at its step
      }
      throw e;
    }
  }
}
