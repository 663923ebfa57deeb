package dev.kiln.dockerfile.context;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.kiln.dockerfile.graph.DefinitionWriter;
import dev.kiln.dockerfile.graph.FileStep;
import dev.kiln.dockerfile.graph.GivenDefinition;
import dev.kiln.dockerfile.graph.NodeOptions;
import dev.kiln.dockerfile.graph.Output;
import dev.kiln.dockerfile.graph.State;
import dev.kiln.dockerfile.text.SlashPath;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.pb.Op;
import dev.kiln.grpc.pb.SourceInfo;
import dev.kiln.llb.FrontendClient;
import dev.kiln.llb.FrontendRef;
import dev.kiln.llb.FrontendResult;
import dev.kiln.llb.SolveRequest;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.GoBool;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Finds the files of one build: the Dockerfile, the build context, its ignore file and named
 * contexts. What is asked of the client is asked once. Blocks; any thread. Rules: features F-27 to
 * F-37 and docs/compatibility.md, Contexts, and BuildKit v0.22 {@code frontend/dockerui}.
 */
public final class BuildContexts {
  static final String IGNORE_FILE = ".dockerignore";
  private static final String DOCKERFILE = "Dockerfile";
  private static final String LANGUAGE = "Dockerfile";
  private static final String CONTEXT = "context";

  private final FrontendClient client;
  private final Map<String, String> opts;
  private final Map<String, Definition> inputs;
  private final Map<String, String> sessionIds = new HashMap<>();
  private final ReentrantLock lock = new ReentrantLock();
  private Optional<Located> located = Optional.empty();
  private Optional<byte[]> ignoreFile = Optional.empty();
  private String ignoreFileName = IGNORE_FILE;

  public BuildContexts(
      FrontendClient client, Map<String, String> opts, Map<String, Definition> inputs) {
    this.client = client;
    this.inputs = Map.copyOf(inputs);
    this.opts = Map.copyOf(opts);
    String prefix = "local-sessionid:";
    opts.forEach((key, value) -> {
      if (key.startsWith(prefix)) {
        sessionIds.put(key.substring(prefix.length()), value);
      }
    });
  }

  /**
   * Where the parts of the build lie.
   *
   * @param context the build context where it is not a folder of the client
   * @param dockerfile what holds the Dockerfile, where that is not a folder of the client
   */
  private record Located(
      Optional<State> context,
      Optional<State> dockerfile,
      String dockerfileLocal,
      String filename) {}

  FrontendClient client() {
    return client;
  }

  /** The definitions that were given for this call, by name. */
  Map<String, Definition> inputs() {
    return inputs;
  }

  Map<String, String> opts() {
    return opts;
  }

  Platform defaultPlatform() {
    return client.info().defaultPlatform();
  }

  /** The session that lends the client's folder {@code name}. */
  String sessionOf(String name) {
    return sessionIds.getOrDefault(name, client.info().sessionId());
  }

  private Located located() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      if (located.isEmpty()) {
        located = Optional.of(locate());
      }
      return located.get();
    } finally {
      lock.unlock();
    }
  }

  private Located locate() throws InterruptedException {
    String filename = opts.getOrDefault("filename", DOCKERFILE);
    boolean forced = opts.containsKey("dockerfilekey");
    String local = opts.getOrDefault("dockerfilekey", "dockerfile");
    String place = opts.getOrDefault(opts.getOrDefault("contextkey", CONTEXT), "");
    boolean keepGit =
        GoBool.isTrue(opts.getOrDefault("build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR", ""));
    Optional<State> context = Optional.empty();
    Optional<State> dockerfile = Optional.empty();
    Optional<State> git = gitContext(place, keepGit);
    if (git.isPresent()) {
      context = git;
      dockerfile = git;
    } else if (place.startsWith("http://") || place.startsWith("https://")) {
      State download =
          State.of(
              Sources.http(
                  place, CONTEXT, Optional.empty(), internal("load remote build context")));
      if (isArchive(download)) {
        context = Optional.of(unpacked(download));
      } else {
        filename = CONTEXT;
        context = Optional.of(download);
      }
      dockerfile = context;
    } else {
      if (!forced && inputs.containsKey(local)) {
        dockerfile = Optional.of(given(inputs, local));
      }
      if (inputs.containsKey(CONTEXT)) {
        context = Optional.of(given(inputs, CONTEXT));
      }
    }
    String subdir = opts.getOrDefault("contextsubdir", "");
    if (opts.containsKey("contextsubdir")) {
      context = context.map(state -> scoped(state, subdir));
    }
    return new Located(context, forced ? Optional.empty() : dockerfile, local, filename);
  }

  static State given(Map<String, Definition> inputs, String name) {
    return GivenDefinition.state(inputs.getOrDefault(name, Definition.getDefaultInstance()));
  }

  static NodeOptions internal(String name) {
    return NodeOptions.named("[internal] " + name);
  }

  /** The repository as a context; empty if {@code text} names none. */
  static Optional<State> gitContext(String text, boolean keepGitDir) {
    return GitRef.parse(text)
        .map(
            ref -> State.of(Sources.git(ref, keepGitDir, "", internal("load git source " + text))));
  }

  private boolean isArchive(State download) throws InterruptedException {
    FrontendRef ref;
    try {
      ref = solve(download, false);
    } catch (BuildException e) {
      throw e.wrap("failed to resolve httpcontext");
    }
    try {
      return ArchiveMagic.matches(ref.readFile(CONTEXT, 0, 1024));
    } catch (BuildException e) {
      throw e.wrap("failed to read downloaded context");
    }
  }

  private static State unpacked(State download) {
    return download
        .output()
        .map(output ->
            State.scratch()
                .file(
                    List.of(
                        FileStep.Copy.plain(output, "/" + CONTEXT, "/", FileStep.Manner.UNPACK)),
                    NodeOptions.NONE))
        .orElse(download);
  }

  private static State scoped(State state, String subdir) {
    return state
        .output()
        .map((Output output) ->
            State.scratch()
                .file(
                    List.of(
                        FileStep.Copy.plain(output, subdir, "/", FileStep.Manner.CONTENTS_ONLY)),
                    NodeOptions.NONE))
        .orElse(state);
  }

  Definition definition(State state) {
    return DefinitionWriter.write(state, defaultPlatform());
  }

  FrontendRef solve(State state, boolean evaluate) throws InterruptedException {
    SolveRequest request = SolveRequest.of(definition(state));
    return single(client.solve(evaluate ? request.evaluated() : request));
  }

  private static FrontendRef single(FrontendResult result) {
    return result
        .ref()
        .orElseThrow(() -> new BuildException(Kind.NOT_FOUND, "the source holds no files"));
  }

  /** Reads the Dockerfile; beside it an ignore file of its own, if there is one. */
  public EntryPoint entryPoint() throws InterruptedException {
    Located place = located();
    String filename = place.filename();
    State source = place.dockerfile().orElseGet(() -> localDockerfile(place));
    Definition definition = definition(source);
    Digest vertex = head(definition);
    FrontendRef ref;
    try {
      ref = single(client.solve(SolveRequest.of(definition)));
    } catch (BuildException e) {
      throw e.wrap("failed to resolve dockerfile");
    }
    byte[] data = readDockerfile(ref, filename);
    readOwnIgnoreFile(ref, filename);
    return new EntryPoint(
        SourceInfo.newBuilder()
            .setFilename(filename)
            .setData(ByteString.copyFrom(data))
            .setDefinition(definition)
            .setLanguage(LANGUAGE)
            .build(),
        vertex);
  }

  private static byte[] readDockerfile(FrontendRef ref, String filename)
      throws InterruptedException {
    try {
      return ref.readFile(filename, 0, -1);
    } catch (BuildException e) {
      if (SlashPath.base(filename).equals(DOCKERFILE)) {
        try {
          return ref.readFile(lowerCase(filename), 0, -1);
        } catch (BuildException inLowerCase) {
          // The failure for the name that was asked for says more.
        }
      }
      throw e.wrap("failed to read dockerfile");
    }
  }

  private void readOwnIgnoreFile(FrontendRef ref, String filename) throws InterruptedException {
    String name = filename + IGNORE_FILE;
    byte[] own;
    try {
      own = ref.readFile(name, 0, -1);
    } catch (BuildException e) { // there is none: the context's own holds
      return;
    }
    lock.lockInterruptibly();
    try {
      ignoreFile = Optional.of(own);
      ignoreFileName = name;
    } finally {
      lock.unlock();
    }
  }

  private static String lowerCase(String filename) {
    return SlashPath.join(SlashPath.directory(filename), DOCKERFILE.toLowerCase(Locale.ROOT));
  }

  private State localDockerfile(Located place) {
    String filename = place.filename();
    var wanted = new ArrayList<>(List.of(filename, filename + IGNORE_FILE));
    if (SlashPath.base(filename).equals(DOCKERFILE)) {
      wanted.add(lowerCase(filename));
    }
    String local = place.dockerfileLocal();
    return State.of(
        new Sources.Local(local, sessionOf(local), local, List.of(), wanted, true)
            .node(internal("load build definition from " + filename)));
  }

  private static Digest head(Definition definition) {
    ByteString last = definition.getDef(definition.getDefCount() - 1);
    try {
      return new Digest(Op.parseFrom(last).getInputs(0).getDigest());
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("a definition written here is well formed", e);
    }
  }

  /**
   * The patterns of files that stay with the client; none where the context is not the client's.
   */
  public List<String> ignorePatterns() throws InterruptedException {
    return located().context().isPresent() ? List.of() : contextIgnorePatterns();
  }

  private List<String> contextIgnorePatterns() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      if (ignoreFile.isEmpty()) {
        ignoreFile =
            Optional.of(
                readIgnoreFile(
                    new Sources.Local(
                        CONTEXT,
                        sessionOf(CONTEXT),
                        CONTEXT + "-" + IGNORE_FILE,
                        List.of(),
                        List.of(IGNORE_FILE),
                        true),
                    internal("load " + IGNORE_FILE),
                    false));
      }
      return IgnoreFile.patterns(ignoreFile.get());
    } finally {
      lock.unlock();
    }
  }

  /** The name of the ignore file that holds, for messages. */
  public String ignoreFileName() {
    return ignoreFileName;
  }

  /** The content of an ignore file in a folder of the client; nothing if there is none. */
  byte[] readIgnoreFile(Sources.Local local, NodeOptions options, boolean evaluate)
      throws InterruptedException {
    FrontendRef ref = solve(State.of(local.node(options)), evaluate);
    try {
      return ref.readFile(IGNORE_FILE, 0, -1);
    } catch (BuildException e) {
      if (e.kind() == Kind.CANCELED) {
        throw e;
      }
      return new byte[0];
    }
  }

  /**
   * The build context.
   *
   * @param followPaths the files that are wanted; empty for all
   */
  public State mainContext(List<String> followPaths) throws InterruptedException {
    Optional<State> remote = located().context();
    if (remote.isPresent()) {
      return remote.get();
    }
    return State.of(
        new Sources.Local(
                CONTEXT, sessionOf(CONTEXT), CONTEXT, contextIgnorePatterns(), followPaths, false)
            .node(internal("load build context")));
  }

  /**
   * The context that the client gave the name {@code name}, for its platform first; empty if there
   * is none.
   */
  public Optional<NamedContext> named(String name, NamedContext.Options options) {
    ImageRef ref;
    try {
      ref = ImageRef.parse(name);
    } catch (BuildException e) {
      throw e.wrap("invalid context name " + name);
    }
    String familiar = ref.familiar();
    String plain =
        familiar.endsWith(":latest")
            ? familiar.substring(0, familiar.length() - ":latest".length())
            : familiar;
    Platform platform = options.platform().orElseGet(this::defaultPlatform);
    for (String key : List.of(plain + "::" + platform.format(), plain)) {
      String input = opts.get("context:" + key);
      if (input != null) {
        return Optional.of(new NamedContext(this, input, plain, key, options));
      }
    }
    return Optional.empty();
  }
}
