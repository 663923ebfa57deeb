package dev.kiln.actors;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.ChildFailed;
import akka.actor.typed.PostStop;
import akka.actor.typed.PreRestart;
import akka.actor.typed.Signal;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.Terminated;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import dev.kiln.llb.Edge;
import dev.kiln.llb.Graph;
import dev.kiln.llb.Vertex;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.KeyDigest;
import dev.kiln.model.Kind;
import dev.kiln.model.Progress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The graph that all builds share: it alone knows which vertices are active and which jobs want
 * them, makes and stops their actors, and merges edges found equal. A vertex that is wanted again
 * while it is being stopped waits for its end and is made anew.
 */
final class VertexGraph extends AbstractOnMessageBehavior<VertexGraph.Command> {
  sealed interface Command {}

  /**
   * Joins or makes the graph's vertices and builds its root.
   *
   * @param within the vertex whose op solves this graph, whose jobs it is then for
   * @param job absent only where {@code within} is given
   */
  record Solve(
      long id,
      Graph graph,
      Optional<JobScope> job,
      Optional<Digest> within,
      List<CacheTable> imports,
      CompletableFuture<SolvedEdge> promise)
      implements Command {}

  record Cancel(long solve) implements Command {}

  /** The job is over: it wants nothing any more. */
  record Leave(JobScope job) implements Command {}

  /**
   * An edge is about to be loaded or built. Claims are handled one at a time, so of equal edges one
   * is the owner and the others are merged into it (features V-03, V-04).
   *
   * @param inputs for each input the ways by which it is known
   */
  record Claim(
      Edge edge,
      List<KeyDigest> digests,
      List<List<Claims.Token>> inputs,
      ActorRef<VertexActor.Command> replyTo)
      implements Command {}

  /** A way by which an edge is known: its key's digest, and one way by which an input is. */
  private record Known(KeyDigest digest, int output, int input, String token) {}

  /** How deep definitions may lie in files that definitions of other files make. */
  private static final int MOST_NESTED = 100;

  /** An active vertex. */
  private static final class Entry {
    final Vertex vertex;
    final VertexScope scope;
    final ActorRef<VertexActor.Command> actor;
    final Set<Digest> children = new HashSet<>();
    final Map<Integer, Edge> moved = new HashMap<>();
    final List<Known> claims = new ArrayList<>();
    int depth;
    boolean stopping;

    Entry(Vertex vertex, VertexScope scope, ActorRef<VertexActor.Command> actor) {
      this.vertex = vertex;
      this.scope = scope;
      this.actor = actor;
    }
  }

  /**
   * What the graph needs of the solver.
   *
   * @param maxParallelism how many ops run at once; absent for no bound
   */
  record Env(
      SolverPorts ports, LogLimits logLimits, CacheIndex index, OptionalInt maxParallelism) {}

  /** A solve under way. */
  private record Open(
      ActorRef<SolveActor.Command> actor, Digest root, CompletableFuture<SolvedEdge> promise) {}

  /** Messages that are kept while what a failed graph made is stopped. */
  private static final int STASH = 1 << 20;

  private final Env env;
  private final VertexActor.Env vertexEnv;
  private final Map<Digest, Entry> active = new HashMap<>();

  /** Keys of active vertices that ignore caches, by the key of the twin that does not. */
  private final Map<Digest, Digest> uncached = new HashMap<>();

  private final Map<Digest, VertexScope> scopes = new ConcurrentHashMap<>();
  private final Map<ActorRef<?>, Digest> byActor = new HashMap<>();
  private final Map<String, Set<Digest>> byJob = new HashMap<>();
  private final Map<Known, Set<Edge>> claims = new HashMap<>();
  private final Map<Long, Open> solves = new LinkedHashMap<>();
  private final List<Solve> waiting = new ArrayList<>();
  private long sequence;

  private VertexGraph(ActorContext<Command> context, Env env) {
    super(context);
    this.env = env;
    Optional<ActorRef<ExecPool.Command>> pool = Optional.empty();
    if (env.maxParallelism().isPresent()) {
      pool =
          Optional.of(context.spawn(ExecPool.create(env.maxParallelism().getAsInt()), "exec-pool"));
      context.watch(pool.get());
    }
    this.vertexEnv =
        new VertexActor.Env(env.ports().runners(), env.index(), context.getSelf(), pool);
  }

  /**
   * A failure that no build can be blamed for, as the end of the pool of permits, ends the builds
   * under way with its reason; the graph begins anew, with the builds that come then.
   */
  static Behavior<Command> create(Env env) {
    return Behaviors.supervise(
            Guarded.behavior(
                Command.class, Behaviors.setup(context -> new VertexGraph(context, env))))
        .onFailure(SupervisorStrategy.restart().withStashCapacity(STASH));
  }

  @Override
  public Behavior<Command> onMessage(Command message) {
    try {
      switch (message) {
        case Solve solve -> onSolve(solve);
        case Cancel(var id) -> onCancel(id);
        case Leave(var job) -> onLeave(job);
        case Claim claim -> onClaim(claim);
      }
    } catch (RuntimeException | Error e) {
      failed(message, e);
    }
    return this;
  }

  /** One message could not be handled: who waits for its answer is told. */
  private void failed(Command message, Throwable why) {
    switch (message) {
      case Solve solve -> {
        getContext().getLog().error("a build could not be begun", why);
        solve.promise().completeExceptionally(internal("the solver failed", why));
      }
      case Claim claim -> {
        Entry entry = active.get(claim.edge().vertex());
        if (entry != null && !entry.stopping) {
          crashed(entry, why);
        }
      }
      case Cancel _, Leave _ -> throw new IllegalStateException("the solver failed", why);
    }
  }

  /** {@code EXHAUSTED} where the machine is, else {@code INTERNAL}: no client's fault. */
  private static BuildException internal(String what, Throwable why) {
    BuildException cause = BuildException.of(why);
    Kind kind = cause.kind() == Kind.EXHAUSTED ? Kind.EXHAUSTED : Kind.INTERNAL;
    return new BuildException(kind, what + ": " + cause.getMessage(), why);
  }

  @Override
  public Behavior<Command> onSignal(Signal signal) {
    switch (signal) {
      case ChildFailed failed -> onGone(failed.getRef(), failed.getCause());
      case Terminated ended -> onGone(ended.getRef(), new IllegalStateException("stopped"));
      case PreRestart _, PostStop _ -> failAll();
      default -> {}
    }
    return this;
  }

  /** The graph is over, and all that it made: nobody is left waiting. */
  private void failAll() {
    var failure =
        new BuildException(
            Kind.INTERNAL,
            "the solver failed and began anew; the daemon's log has the reason, build again");
    solves.values().forEach(open -> open.promise().completeExceptionally(failure));
    waiting.forEach(solve -> solve.promise().completeExceptionally(failure));
  }

  // --- solves

  private void onSolve(Solve solve) {
    if (solve.promise().isDone()) {
      return;
    }
    List<JobScope> jobs;
    if (solve.within().isPresent()) {
      Entry parent = active.get(solve.within().get());
      if (parent == null || parent.stopping) {
        solve.promise().completeExceptionally(canceled());
        return;
      }
      Optional<BuildException> refusal = refusal(parent, solve.graph());
      if (refusal.isPresent()) {
        solve.promise().completeExceptionally(refusal.get());
        return;
      }
      jobs = parent.scope.jobs();
    } else {
      jobs = solve.job().stream().toList();
    }
    for (Digest digest : solve.graph().vertices().keySet()) {
      Digest bare = uncached.get(digest);
      if (isStopping(digest) || bare != null && isStopping(bare)) {
        waiting.add(solve);
        return;
      }
    }
    Edge root = load(solve, jobs);
    Entry entry = entry(root.vertex());
    long id = solve.id();
    ActorRef<SolveActor.Command> actor =
        getContext()
            .spawn(
                SolveActor.create(entry.actor, root, solve.graph(), env.index(), solve.promise()),
                "solve-" + id);
    getContext().watch(actor);
    solves.put(id, new Open(actor, root.vertex(), solve.promise()));
  }

  /** Each op that solves within another one waits for it, with a thread of its own. */
  private Optional<BuildException> refusal(Entry parent, Graph graph) {
    if (parent.depth >= MOST_NESTED) {
      return Optional.of(
          new BuildException(
              Kind.INVALID, "more than " + MOST_NESTED + " build ops within each other"));
    }
    Digest self = parent.vertex.digest();
    List<Digest> asked =
        graph.vertices().keySet().stream().map(d -> uncached.getOrDefault(d, d)).toList();
    return reaches(asked, self)
        ? Optional.of(
            new BuildException(
                Kind.INVALID, "a build op's definition needs the result of that build op"))
        : Optional.empty();
  }

  private boolean isStopping(Digest digest) {
    Entry entry = active.get(digest);
    return entry != null && entry.stopping;
  }

  private void onCancel(long id) {
    Open open = solves.get(id);
    if (open != null) {
      open.actor().tell(new SolveActor.Cancel());
    }
    waiting.removeIf(solve -> {
      boolean is = solve.id() == id;
      if (is) {
        solve.promise().completeExceptionally(canceled());
      }
      return is;
    });
  }

  static BuildException canceled() {
    return new BuildException(Kind.CANCELED, "context canceled");
  }

  /**
   * Joins the vertices, makes those that are new; inputs first. A vertex without cache is another
   * one than its twin with cache, but where the one without is there already, it serves both
   * (features V-02).
   */
  private Edge load(Solve solve, List<JobScope> jobs) {
    var keys = new HashMap<Digest, Digest>();
    var shown = new HashMap<JobScope, List<Progress>>();
    for (Vertex vertex : solve.graph().vertices().values()) {
      Digest key = vertex.digest();
      Entry twin = active.get(key);
      if (twin != null && !twin.vertex.options().ignoreCache() && vertex.options().ignoreCache()) {
        uncached.computeIfAbsent(key, VertexGraph::withoutCache);
      }
      key = uncached.getOrDefault(key, key);
      keys.put(vertex.digest(), key);
      Entry entry = active.get(key);
      if (entry == null) {
        entry = make(vertex, key, keys);
      }
      entry.scope.addImports(solve.imports());
      if (solve.within().isPresent()) {
        Entry parent = entry(solve.within().get());
        parent.children.add(key);
        entry.depth = Math.max(entry.depth, parent.depth + 1);
        entry.scope.addImports(parent.scope.imports());
      }
      for (JobScope job : jobs) {
        join(entry, job, shown);
      }
    }
    shown.forEach((job, events) -> job.progress().append(events));
    Edge root = solve.graph().root();
    return new Edge(keys.getOrDefault(root.vertex(), root.vertex()), root.index());
  }

  private static Digest withoutCache(Digest digest) {
    return Digest.of(digest + "-ignorecache");
  }

  private Entry make(Vertex vertex, Digest key, Map<Digest, Digest> keys) {
    var inputEdges = new ArrayList<Edge>();
    var inputs = new ArrayList<VertexActor.InputRef>();
    for (Edge input : vertex.inputs()) {
      var edge = new Edge(keys.getOrDefault(input.vertex(), input.vertex()), input.index());
      inputEdges.add(edge);
      inputs.add(new VertexActor.InputRef(entry(edge.vertex()).actor, edge));
    }
    var keyed =
        new Vertex(
            key,
            vertex.sentDigest(),
            vertex.op(),
            inputEdges,
            vertex.platform(),
            vertex.options(),
            vertex.name(),
            vertex.opBytes());
    var progress =
        new VertexProgress(env.ports().codec(), env.logLimits(), VertexProgress.bare(keyed));
    var scope = new VertexScope(keyed, progress, scopes);
    String name = "vertex-" + key.hex().substring(0, 12);
    ResultLease lease = env.ports().leases().open(name);
    SubSolver sub = new Solves(getContext().getSelf()).within(key);
    ActorRef<VertexActor.Command> actor =
        getContext()
            .spawn(
                VertexActor.create(vertexEnv, scope, lease, inputs, sub), name + "-" + ++sequence);
    getContext().watch(actor);
    var entry = new Entry(keyed, scope, actor);
    active.put(key, entry);
    scopes.put(key, scope);
    byActor.put(actor, key);
    return entry;
  }

  private Entry entry(Digest digest) {
    Entry entry = active.get(digest);
    if (entry == null) {
      throw new IllegalStateException("inputs come first: " + digest);
    }
    return entry;
  }

  // --- jobs

  private void join(Entry entry, JobScope job, Map<JobScope, List<Progress>> shown) {
    if (entry.scope.jobs().contains(job)) {
      return;
    }
    entry.scope.jobs().add(job);
    entry.scope.trace().join(job.trace());
    byJob.computeIfAbsent(job.id(), id -> new HashSet<>()).add(entry.vertex.digest());
    if (entry.scope.progress().join(job.progress())) {
      shown.computeIfAbsent(job, j -> new ArrayList<>()).add(entry.scope.progress().bare());
    }
    entry.children.forEach(child -> joinIfActive(child, job, shown));
    entry.moved.values().forEach(edge -> joinDeep(edge.vertex(), job, shown));
  }

  private void joinIfActive(Digest digest, JobScope job, Map<JobScope, List<Progress>> shown) {
    Entry entry = active.get(digest);
    if (entry != null && !entry.stopping) {
      join(entry, job, shown);
    }
  }

  /** Joins a vertex that came in by a merge, and all that it is made from. */
  private void joinDeep(Digest digest, JobScope job, Map<JobScope, List<Progress>> shown) {
    var queue = new ArrayDeque<Digest>();
    var seen = new HashSet<Digest>();
    queue.add(digest);
    while (!queue.isEmpty()) {
      Digest next = queue.poll();
      Entry entry = active.get(next);
      if (!seen.add(next) || entry == null || entry.stopping) {
        continue;
      }
      join(entry, job, shown);
      entry.vertex.inputs().forEach(input -> queue.add(input.vertex()));
    }
  }

  private void onLeave(JobScope job) {
    Set<Digest> vertices = byJob.remove(job.id());
    if (vertices == null) {
      return;
    }
    for (Digest digest : vertices) {
      Entry entry = active.get(digest);
      if (entry == null) {
        continue;
      }
      entry.scope.jobs().remove(job);
      entry.scope.progress().leave(job.progress());
      entry.scope.trace().leave(job.trace());
      if (entry.scope.jobs().isEmpty() && !entry.stopping) {
        stop(entry);
      }
    }
  }

  private void stop(Entry entry) {
    entry.stopping = true;
    unclaim(entry);
    entry.actor.tell(new VertexActor.Stop());
  }

  private void onGone(ActorRef<?> ref, Throwable cause) {
    if (vertexEnv.pool().filter(ref::equals).isPresent()) {
      throw new IllegalStateException("the pool of permits stopped", cause);
    }
    Digest digest = byActor.remove(ref);
    if (digest == null) {
      solves.values().removeIf(open -> open.actor().equals(ref));
      return;
    }
    Entry entry = active.remove(digest);
    uncached.values().remove(digest);
    scopes.remove(digest);
    if (entry != null && !entry.stopping) {
      unclaim(entry);
      crashed(entry, cause);
    }
    List<Solve> again = List.copyOf(waiting);
    waiting.clear();
    again.forEach(this::onMessage);
  }

  /**
   * A vertex actor never stops by itself: who may wait for it is told, and what is made from it is
   * stopped too, as it would wait for ever. Both are made anew for who wants them next.
   */
  private void crashed(Entry entry, Throwable cause) {
    BuildException failure = internal("the solver failed at " + entry.vertex.name(), cause);
    getContext().getLog().error("vertex {} crashed", entry.vertex, failure);
    Digest digest = entry.vertex.digest();
    for (Open open : solves.values()) {
      if (reaches(open.root(), digest)) {
        open.actor().tell(new SolveActor.Crashed(failure));
      }
    }
    List<Entry> waiters =
        active.values().stream()
            .filter(e -> !e.stopping && reaches(e.vertex.digest(), digest))
            .toList();
    waiters.forEach(this::stop);
  }

  // --- merging

  private void onClaim(Claim claim) {
    Entry entry = active.get(claim.edge().vertex());
    if (entry == null || entry.stopping) {
      return; // the vertex is being stopped and waits for nothing
    }
    List<Known> known = known(claim);
    Optional<Edge> owner =
        equalEdges(claim).stream()
            .filter(other -> mayMerge(entry, claim.edge(), other))
            .findFirst();
    if (owner.isEmpty()) {
      known.forEach(k -> register(entry, k, claim.edge()));
      claim.replyTo().tell(new VertexActor.Granted(claim.edge().index()));
      return;
    }
    Edge to = owner.get();
    Entry target = entry(to.vertex());
    known.forEach(k -> register(target, k, to)); // from now on it is known by these too
    entry.moved.put(claim.edge().index(), to);
    var shown = new HashMap<JobScope, List<Progress>>();
    entry.scope.jobs().forEach(job -> joinDeep(to.vertex(), job, shown));
    shown.forEach((job, events) -> job.progress().append(events));
    claim.replyTo().tell(new VertexActor.Merged(claim.edge().index(), target.actor, to));
  }

  private static List<Known> known(Claim claim) {
    var all = new ArrayList<Known>();
    for (KeyDigest digest : claim.digests()) {
      if (claim.inputs().isEmpty()) {
        all.add(new Known(digest, claim.edge().index(), -1, ""));
      }
      for (int i = 0; i < claim.inputs().size(); i++) {
        for (Claims.Token token : claim.inputs().get(i)) {
          all.add(new Known(digest, claim.edge().index(), i, token.text()));
        }
      }
    }
    return all;
  }

  /** The edges that are known by one of the ways for each input, in the order of their claims. */
  private Set<Edge> equalEdges(Claim claim) {
    var equal = new LinkedHashSet<Edge>();
    for (KeyDigest digest : claim.digests()) {
      int output = claim.edge().index();
      if (claim.inputs().isEmpty()) {
        equal.addAll(claims.getOrDefault(new Known(digest, output, -1, ""), Set.of()));
        continue;
      }
      var common = new LinkedHashSet<Edge>();
      for (int i = 0; i < claim.inputs().size(); i++) {
        var some = new LinkedHashSet<Edge>();
        for (Claims.Token token : claim.inputs().get(i)) {
          some.addAll(claims.getOrDefault(new Known(digest, output, i, token.text()), Set.of()));
        }
        if (i == 0) {
          common.addAll(some);
        } else {
          common.retainAll(some);
        }
        if (common.isEmpty()) {
          break;
        }
      }
      equal.addAll(common);
    }
    return equal;
  }

  private boolean mayMerge(Entry entry, Edge edge, Edge other) {
    Entry target = active.get(other.vertex());
    return !edge.equals(other)
        && target != null
        && !target.stopping
        && !target.moved.containsKey(other.index())
        && (target.vertex.options().ignoreCache() || !entry.vertex.options().ignoreCache())
        && !reaches(other.vertex(), edge.vertex())
        && !reaches(edge.vertex(), other.vertex());
  }

  /** Whether {@code from} is {@code to} or is made from it, merges followed. */
  private boolean reaches(Digest from, Digest to) {
    return reaches(List.of(from), to);
  }

  /** Whether one of them is {@code to} or needs it, in one walk. */
  private boolean reaches(List<Digest> from, Digest to) {
    var queue = new ArrayDeque<>(from);
    var seen = new HashSet<Digest>();
    while (!queue.isEmpty()) {
      Digest next = queue.poll();
      if (next.equals(to)) {
        return true;
      }
      Entry entry = active.get(next);
      if (entry == null || !seen.add(next)) {
        continue;
      }
      entry.vertex.inputs().forEach(input -> queue.add(input.vertex()));
      entry.moved.values().forEach(edge -> queue.add(edge.vertex()));
      queue.addAll(entry.children);
    }
    return false;
  }

  private void register(Entry entry, Known known, Edge edge) {
    if (claims.computeIfAbsent(known, k -> new LinkedHashSet<>()).add(edge)) {
      entry.claims.add(known);
    }
  }

  private void unclaim(Entry entry) {
    for (Known known : entry.claims) {
      Set<Edge> edges = claims.get(known);
      if (edges != null) {
        edges.removeIf(edge -> edge.vertex().equals(entry.vertex.digest()));
        if (edges.isEmpty()) {
          claims.remove(known);
        }
      }
    }
    entry.claims.clear();
  }
}
