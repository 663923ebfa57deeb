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
import dev.kiln.actors.ActiveVertices.Entry;
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
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

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

  /**
   * Has work done by a worker of the pool that is none of a vertex's: the op of that number.
   *
   * @param promise is completed by the work; it fails where the work cannot be done
   */
  record Beside(long op, String name, CompletableFuture<?> promise) implements Command {}

  /** Interrupts that work. */
  record StopBeside(long op) implements Command {}

  private record BesideNews(StepNews news) implements Command {}

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

  /** How deep definitions may lie in files that definitions of other files make. */
  private static final int MOST_NESTED = 100;

  /**
   * What the graph needs of the solver.
   *
   * @param limits how many steps run at once
   */
  record Env(
      SolverPorts ports,
      LogLimits logLimits,
      CacheIndex index,
      StepLimits limits,
      ActiveOps ops,
      Consumer<StepFigures> figures) {}

  /** A solve under way. */
  private record Open(
      ActorRef<SolveActor.Command> actor, Digest root, CompletableFuture<SolvedEdge> promise) {}

  /** Messages that are kept while what a failed graph made is stopped. */
  private static final int STASH = 1 << 20;

  private final Env env;
  private final VertexActor.Env vertexEnv;
  private final ActiveVertices active = new ActiveVertices();

  /** Keys of active vertices that ignore caches, by the key of the twin that does not. */
  private final Map<Digest, Digest> uncached = new HashMap<>();

  private final Map<String, Set<Digest>> byJob = new HashMap<>();
  private final ClaimTable claims = new ClaimTable();
  private final Map<Long, Open> solves = new LinkedHashMap<>();
  private final List<Solve> waiting = new ArrayList<>();
  private final BesideWork beside;
  private long sequence;

  private VertexGraph(ActorContext<Command> context, Env env) {
    super(context);
    this.env = env;

    ActorRef<StepPool.Command> pool =
        context.spawn(StepPool.create(env.limits(), env.ops(), env.figures()), "step-pool");
    context.watch(pool);
    this.beside =
        new BesideWork(env.ops(), pool, context.messageAdapter(StepNews.class, BesideNews::new));
    this.vertexEnv =
        new VertexActor.Env(env.ports().runners(), env.index(), context.getSelf(), pool, env.ops());
  }

  /**
   * A failure that no build can be blamed for, as the end of the pool of steps, ends the builds
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
        case Beside work -> beside.begin(work);
        case StopBeside(var op) -> beside.stop(op);
        case BesideNews(var news) -> beside.onNews(news);
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
        solve.promise().completeExceptionally(Guarded.failure("the solver failed", why));
      }
      case Claim claim -> {
        active.live(claim.edge().vertex()).ifPresent(entry -> crashed(entry, why));
      }
      case Beside work ->
          work.promise().completeExceptionally(Guarded.failure("the solver failed", why));
      case Cancel _, Leave _, StopBeside _, BesideNews _ ->
          throw new IllegalStateException("the solver failed", why);
    }
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
    beside.failAll(failure);
  }

  // --- solves

  private void onSolve(Solve solve) {
    if (solve.promise().isDone()) {
      return;
    }
    List<JobScope> jobs;
    if (solve.within().isPresent()) {
      Optional<Entry> parent = active.live(solve.within().get());
      if (parent.isEmpty()) {
        solve.promise().completeExceptionally(Solves.canceled());
        return;
      }
      Optional<BuildException> refusal = refusal(parent.get(), solve.graph());
      if (refusal.isPresent()) {
        solve.promise().completeExceptionally(refusal.get());
        return;
      }
      jobs = parent.get().scope.jobs();
    } else {
      jobs = solve.job().stream().toList();
    }
    for (Digest digest : solve.graph().vertices().keySet()) {
      Digest bare = uncached.get(digest);
      if (active.isStopping(digest) || bare != null && active.isStopping(bare)) {
        waiting.add(solve);
        return;
      }
    }
    Edge root = load(solve, jobs);
    Entry entry = active.get(root.vertex());
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
    return active.reaches(asked, self)
        ? Optional.of(
            new BuildException(
                Kind.INVALID, "a build op's definition needs the result of that build op"))
        : Optional.empty();
  }

  private void onCancel(long id) {
    Open open = solves.get(id);
    if (open != null) {
      open.actor().tell(new SolveActor.Cancel());
    }
    waiting.removeIf(solve -> {
      boolean is = solve.id() == id;
      if (is) {
        solve.promise().completeExceptionally(Solves.canceled());
      }
      return is;
    });
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
      boolean cachedTwin =
          active.find(key).filter(twin -> !twin.vertex.options().ignoreCache()).isPresent();
      if (cachedTwin && vertex.options().ignoreCache()) {
        uncached.computeIfAbsent(key, VertexGraph::withoutCache);
      }
      Digest id = uncached.getOrDefault(key, key);
      keys.put(vertex.digest(), id);
      Entry entry = active.find(id).orElseGet(() -> make(vertex, id, keys));
      entry.scope.addImports(solve.imports());
      if (solve.within().isPresent()) {
        Entry parent = active.get(solve.within().get());
        parent.children.add(id);
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
    var inputs = new ArrayList<InputInterests.Ref>();
    for (Edge input : vertex.inputs()) {
      var edge = new Edge(keys.getOrDefault(input.vertex(), input.vertex()), input.index());
      inputEdges.add(edge);
      inputs.add(new InputInterests.Ref(active.get(edge.vertex()).actor, edge));
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
    var scope = new VertexScope(keyed, progress, active.scopes());
    String name = "vertex-" + key.hex().substring(0, 12);
    ResultLease lease = env.ports().leases().open(name);
    SubSolver sub = new Solves(getContext().getSelf()).within(key);
    ActorRef<VertexActor.Command> actor =
        getContext()
            .spawn(
                VertexActor.create(vertexEnv, scope, lease, inputs, sub), name + "-" + ++sequence);
    getContext().watch(actor);
    var entry = new Entry(keyed, scope, actor);
    active.add(entry);
    return entry;
  }

  // --- jobs

  /** A vertex that a job comes to; {@code deep} where it comes to all that it is made from, too. */
  private record Reached(Digest digest, boolean deep) {}

  private void join(Entry entry, JobScope job, Map<JobScope, List<Progress>> shown) {
    var open = new ArrayDeque<Reached>();
    joinAlone(entry, job, shown, open);
    joinAll(open, job, shown);
  }

  /** Joins a vertex that came in by a merge, and all that it is made from. */
  private void joinDeep(Digest digest, JobScope job, Map<JobScope, List<Progress>> shown) {
    joinAll(new ArrayDeque<>(List.of(new Reached(digest, true))), job, shown);
  }

  private void joinAll(Deque<Reached> open, JobScope job, Map<JobScope, List<Progress>> shown) {
    var deep = new HashSet<Digest>();
    while (!open.isEmpty()) {
      Reached next = open.poll();
      Optional<Entry> entry = active.live(next.digest());
      if (entry.isEmpty() || next.deep() && !deep.add(next.digest())) {
        continue;
      }
      joinAlone(entry.get(), job, shown, open);
      if (next.deep()) {
        entry.get().vertex.inputs().forEach(input -> open.add(new Reached(input.vertex(), true)));
      }
    }
  }

  private void joinAlone(
      Entry entry, JobScope job, Map<JobScope, List<Progress>> shown, Deque<Reached> open) {
    if (entry.scope.jobs().contains(job)) {
      return;
    }
    boolean isNew = entry.scope.jobs().isEmpty();
    entry.scope.jobs().add(job);
    if (!isNew) {
      entry.actor.tell(new VertexActor.BuildsChanged());
    }
    entry.scope.trace().join(job.trace());
    byJob.computeIfAbsent(job.id(), id -> new HashSet<>()).add(entry.vertex.digest());
    if (entry.scope.progress().join(job.progress())) {
      shown.computeIfAbsent(job, j -> new ArrayList<>()).add(entry.scope.progress().bare());
    }
    entry.children.forEach(child -> open.add(new Reached(child, false)));
    entry.moved.values().forEach(edge -> open.add(new Reached(edge.vertex(), true)));
  }

  private void onLeave(JobScope job) {
    Set<Digest> vertices = byJob.remove(job.id());
    if (vertices == null) {
      return;
    }
    for (Digest digest : vertices) {
      active.find(digest).ifPresent(entry -> leave(entry, job));
    }
  }

  private void leave(Entry entry, JobScope job) {
    entry.scope.jobs().remove(job);
    entry.scope.progress().leave(job.progress());
    entry.scope.trace().leave(job.trace());
    if (entry.stopping) {
      return;
    }
    if (entry.scope.jobs().isEmpty()) {
      stop(entry);
    } else {
      entry.actor.tell(new VertexActor.BuildsChanged());
    }
  }

  private void stop(Entry entry) {
    entry.stopping = true;
    claims.remove(entry.vertex.digest());
    entry.actor.tell(new VertexActor.Stop());
  }

  private void onGone(ActorRef<?> ref, Throwable cause) {
    if (vertexEnv.pool().equals(ref)) {
      throw new IllegalStateException("the pool of steps stopped", cause);
    }
    Optional<Entry> gone = active.remove(ref);
    if (gone.isEmpty()) {
      solves.values().removeIf(open -> open.actor().equals(ref));
      return;
    }
    Entry entry = gone.get();
    uncached.values().remove(entry.vertex.digest());
    if (!entry.stopping) {
      claims.remove(entry.vertex.digest());
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
    BuildException failure = Guarded.failure("the solver failed at " + entry.vertex.name(), cause);
    getContext().getLog().error("vertex {} crashed", entry.vertex, failure);
    Set<Digest> waiters = active.madeFrom(entry.vertex.digest());
    for (Open open : solves.values()) {
      if (waiters.contains(open.root())) {
        open.actor().tell(new SolveActor.Crashed(failure));
      }
    }
    waiters.forEach(digest -> active.live(digest).ifPresent(this::stop));
  }

  // --- merging

  private void onClaim(Claim claim) {
    Optional<Entry> live = active.live(claim.edge().vertex());
    if (live.isEmpty()) {
      return; // the vertex is being stopped and waits for nothing
    }
    Entry entry = live.get();
    Optional<Edge> owner =
        claims.equal(claim).stream()
            .filter(other -> active.mayMerge(claim.edge(), other))
            .findFirst();
    Edge to = owner.orElse(claim.edge());
    claims.add(claim, to); // a merged one's owner is known by these too
    if (owner.isEmpty()) {
      claim.replyTo().tell(new VertexActor.Granted(claim.edge().index()));
      return;
    }
    entry.moved.put(claim.edge().index(), to);
    var shown = new HashMap<JobScope, List<Progress>>();
    entry.scope.jobs().forEach(job -> joinDeep(to.vertex(), job, shown));
    shown.forEach((job, events) -> job.progress().append(events));
    claim
        .replyTo()
        .tell(new VertexActor.Merged(claim.edge().index(), active.get(to.vertex()).actor, to));
  }
}
