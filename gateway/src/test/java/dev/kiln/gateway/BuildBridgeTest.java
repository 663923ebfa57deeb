package dev.kiln.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.grpc.javadsl.MetadataBuilder;
import com.google.protobuf.ByteString;
import dev.kiln.actors.SolvedEdge;
import dev.kiln.grpc.caps.APICap;
import dev.kiln.grpc.gateway.ResolveSourceMetaRequest;
import dev.kiln.grpc.gateway.ResolveSourceMetaResponse;
import dev.kiln.grpc.gateway.Result;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.pb.Input;
import dev.kiln.grpc.pb.Op;
import dev.kiln.grpc.pb.SourceOp;
import dev.kiln.grpc.sourcepolicy.Policy;
import dev.kiln.llb.BuildInfo;
import dev.kiln.llb.Entitlements;
import dev.kiln.llb.Frontend;
import dev.kiln.llb.FrontendRef;
import dev.kiln.llb.FrontendResult;
import dev.kiln.llb.ImageMeta;
import dev.kiln.llb.ImageQuery;
import dev.kiln.llb.SolveRequest;
import dev.kiln.llb.SourceRewrite;
import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import dev.kiln.model.Progress;
import dev.kiln.sources.SourceMeta;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class BuildBridgeTest {
  private final List<Digest> solved = new ArrayList<>();
  private final List<Progress.Warning> warnings = new ArrayList<>();
  private Optional<BuildException> failure = Optional.empty();

  private static final Policy POLICY = Policy.newBuilder().setVersion(1).build();

  /** Refuses what is called secret, and converts the rest. */
  private static final class Metas implements SourceMetas {
    @Override
    public ImageMeta image(ImageQuery query, List<String> sessions) {
      throw new BuildException(Kind.NOT_FOUND, query.ref() + " for " + sessions);
    }

    @Override
    public SourceMeta source(SourceQuery query, List<String> sessions) {
      assertThat(query.policies()).hasSize(2).contains(POLICY);
      if (query.op().identifier().contains("secret")) {
        throw new BuildException(Kind.DENIED, "source denied by policy");
      }
      boolean image = query.op().scheme().equals("docker-image");
      return new SourceMeta(
          new dev.kiln.llb.SourceOp(query.op().identifier(), Map.of("converted", "yes")),
          image
              ? Optional.of(new ImageMeta(query.op().rest(), Digest.of("image"), new byte[] {1}))
              : Optional.empty());
    }
  }

  private static ResolveSourceMetaResponse meta(BuildBridge bridge, String identifier)
      throws Exception {
    return new LlbBridge(bridge, List::of, new NoContainers())
        .resolveSourceMeta(
            ResolveSourceMetaRequest.newBuilder()
                .setSource(
                    SourceOp.newBuilder().setIdentifier(identifier).putAttrs("git.keepgitdir", "1"))
                .addSourcePolicies(Policy.newBuilder().setVersion(0))
                .build(),
            new MetadataBuilder().build())
        .toCompletableFuture()
        .get();
  }

  @Test
  void metadataOfASourceIsWhatPoliciesMakeOfIt() throws Exception {
    BuildBridge bridge = bridge(Map.of());
    ResolveSourceMetaResponse git = meta(bridge, "git://host/repo");
    assertThat(git.getSource().getAttrsMap()).isEqualTo(Map.of("converted", "yes"));
    assertThat(git.hasImage()).isFalse();
    ResolveSourceMetaResponse image = meta(bridge, "docker-image://host/a:1");
    assertThat(image.getSource().getAttrsMap()).isEqualTo(Map.of("converted", "yes"));
    assertThat(image.getImage().getDigest()).isEqualTo(Digest.of("image").value());
    assertThat(bridge.log().images()).extracting(r -> r.query().ref()).containsExactly("host/a:1");
    assertThatThrownBy(() -> meta(bridge, "https://host/secret"))
        .hasMessageContaining("source denied by policy");
  }

  private BuildBridge bridge(Map<String, Frontend> frontends) {
    return new BuildBridge(
        new BuildBridge.Build(
            (graph, imports) -> {
              solved.add(graph.root().vertex());
              if (failure.isPresent()) {
                throw failure.get();
              }
              return new SolvedEdge(graph.root(), Optional.empty(), List.of());
            },
            new BuildInfo(
                "session",
                List.of(Platform.host()),
                Set.of("b", "a"),
                Set.of(),
                "kiln",
                List.of("w")),
            frontends,
            new Metas(),
            new NoFiles(),
            List.of(POLICY),
            policies -> SourceRewrite.NONE,
            Entitlements.NONE,
            warnings::add,
            Map.of("in", Definition.getDefaultInstance())));
  }

  private static Definition image(String name) {
    ByteString source =
        Op.newBuilder()
            .setSource(SourceOp.newBuilder().setIdentifier("docker-image://" + name))
            .build()
            .toByteString();
    ByteString root =
        Op.newBuilder()
            .addInputs(Input.newBuilder().setDigest(Digest.of(source.toByteArray()).value()))
            .build()
            .toByteString();
    return Definition.newBuilder().addDef(source).addDef(root).build();
  }

  @Test
  void aRefIsSolvedOnceAndOnlyWhenNeeded() throws Exception {
    FrontendResult result = bridge(Map.of()).solve(SolveRequest.of(image("docker.io/library/a:1")));
    assertThat(solved).isEmpty();
    FrontendRef ref = result.ref().orElseThrow();
    ref.evaluate();
    ref.evaluate();
    assertThat(solved).hasSize(1);
    bridge(Map.of()).solve(SolveRequest.of(image("docker.io/library/b:1")).evaluated());
    assertThat(solved).hasSize(2);
  }

  @Test
  void aFailedRefStaysFailed() throws Exception {
    failure = Optional.of(new BuildException(Kind.UNKNOWN, "exit code: 1"));
    FrontendRef ref =
        bridge(Map.of()).solve(SolveRequest.of(image("docker.io/library/a:1"))).ref().orElseThrow();
    assertThatThrownBy(ref::evaluate).hasMessage("exit code: 1");
    assertThatThrownBy(ref::evaluate).hasMessage("exit code: 1");
    assertThat(solved).hasSize(1);
  }

  @Test
  void anEmptyDefinitionIsTheEmptyFileSystem() throws Exception {
    assertThat(bridge(Map.of()).solve(SolveRequest.of(Definition.getDefaultInstance())).ref())
        .isEmpty();
  }

  @Test
  void frontendsAreCalledByNameAndNamedInFailures() throws Exception {
    Frontend failing =
        (client, opts, inputs) -> {
          throw new BuildException(Kind.INVALID, "no stage");
        };
    BuildBridge bridge = bridge(Map.of("dockerfile.v0", failing));
    assertThatThrownBy(() -> bridge.solve(frontend("dockerfile.v0")))
        .isInstanceOfSatisfying(
            BuildException.class,
            e ->
                assertThat(e.details())
                    .containsExactly(new Detail.FrontendFailed("dockerfile.v0", "src")));
    assertThatThrownBy(() -> bridge.solve(frontend("none.v0")))
        .hasMessage("invalid frontend: none.v0");
  }

  private static SolveRequest frontend(String name) {
    return new SolveRequest(
        Optional.empty(), name, Map.of("source", "src"), Map.of(), List.of(), false, List.of());
  }

  @Test
  void resultsKeepTheirShapeOverTheWire() throws Exception {
    FrontendRef ref =
        bridge(Map.of()).solve(SolveRequest.of(image("docker.io/library/a:1"))).ref().orElseThrow();
    var refs =
        new TreeMap<String, Optional<FrontendRef>>(
            Map.of("linux/amd64", Optional.of(ref), "linux/arm64", Optional.empty()));
    var metadata = new TreeMap<String, byte[]>(Map.of("containerimage.config", new byte[] {1}));
    var ids = new HashMap<String, FrontendRef>();
    Result wire =
        GatewayMessages.result(
            new FrontendResult(Optional.empty(), refs, metadata, Map.of()),
            true,
            r -> {
              ids.put("id", r);
              return "id";
            });
    assertThat(wire.getRefs().getRefsOrThrow("linux/arm64").getId()).isEmpty();
    assertThat(wire.getRefs().getRefsOrThrow("linux/amd64").getDef())
        .isEqualTo(image("docker.io/library/a:1"));
    FrontendResult back = GatewayMessages.result(wire, id -> Optional.ofNullable(ids.get(id)));
    assertThat(back.refs()).isEqualTo(refs);
    assertThat(back.metadata()).containsOnlyKeys("containerimage.config");
  }

  @Test
  void aFinalSolveOfAnOldFrontendIsItsAnswer() throws Exception {
    var bridge = new LlbBridge(bridge(Map.of()), List::of, new NoContainers());
    String ref =
        bridge
            .solve(
                dev.kiln.grpc.gateway.SolveRequest.newBuilder()
                    .setDefinition(image("docker.io/library/a:1"))
                    .setFinal(true)
                    .setExporterAttr(
                        ByteString.copyFromUtf8("{\"containerimage.config\":\"e30=\"}"))
                    .build(),
                new MetadataBuilder().build())
            .toCompletableFuture()
            .get()
            .getRef();
    FrontendResult answer = bridge.answer().toCompletableFuture().get();
    assertThat(ref).isNotEmpty();
    assertThat(answer.ref()).isPresent();
    assertThat(answer.metadata().get("containerimage.config")).asString().isEqualTo("{}");
  }

  @Test
  void aStateIsMountedByItsIdOnlyWhereAFailureOfThisBuildTold() throws Exception {
    var asked = new ArrayList<java.util.function.Predicate<String>>();
    var containers =
        new NoContainers() {
          @Override
          public void create(
              dev.kiln.grpc.gateway.NewContainerRequest request,
              java.util.function.Function<String, Optional<FrontendRef>> refs,
              java.util.function.Predicate<String> told) {
            asked.add(told);
          }
        };
    Frontend failing =
        (client, opts, inputs) -> {
          throw new BuildException(Kind.UNKNOWN, "exit code: 1")
              .with(
                  new Detail.SolveFailed(
                      List.of("input"), List.of("mount", ""), new byte[0], -1, -1, Map.of()));
        };
    BuildBridge build = bridge(Map.of("failing", failing));
    var mine = new LlbBridge(build, List::of, containers);
    var neighbours = new LlbBridge(build, List::of, containers);
    var request = dev.kiln.grpc.gateway.SolveRequest.newBuilder().setFrontend("failing").build();
    var metadata = new MetadataBuilder().build();
    assertThatThrownBy(() -> mine.solve(request, metadata).toCompletableFuture().get())
        .hasMessageContaining("exit code: 1");
    for (LlbBridge bridge : List.of(mine, neighbours)) {
      bridge
          .newContainer(dev.kiln.grpc.gateway.NewContainerRequest.getDefaultInstance(), metadata)
          .toCompletableFuture()
          .get();
    }
    assertThat(asked.getFirst()).accepts("input", "mount").rejects("other");
    assertThat(asked.getLast()).rejects("input", "mount", "other");
  }

  @Test
  void capsAreSortedAndEnabled() {
    assertThat(GatewayMessages.caps(Set.of("b", "a")))
        .extracting(APICap::getID)
        .containsExactly("a", "b");
    assertThat(GatewayMessages.caps(Set.of("b"))).allMatch(APICap::getEnabled);
  }

  @Test
  void aBuildIdIsRegisteredOnceAndFoundByWhoComesEarlier() throws Exception {
    var bridges = new Bridges();
    var early = bridges.find("b").toCompletableFuture();
    var bridge = new LlbBridge(bridge(Map.of()), List::of, new NoContainers());
    bridges.add("b", bridge);
    assertThat(early.get()).isSameAs(bridge);
    assertThatThrownBy(() -> bridges.add("b", bridge)).hasMessage("build ID b exists");
    assertThat(bridges.find("").toCompletableFuture().handle((ok, e) -> e).get())
        .hasMessageContaining("no buildid found in context");
    bridges.remove("b");
    assertThatThrownBy(() -> bridges.find("b").toCompletableFuture().get())
        .hasRootCauseInstanceOf(BuildException.class)
        .hasMessageContaining("no such job b");
  }

  @Test
  void aWaiterThatGivesUpTakesNothingFromThoseThatCameLater() throws Exception {
    var bridges = new Bridges();
    var early = bridges.find("b").toCompletableFuture();
    var late =
        CompletableFuture.supplyAsync(
                () -> bridges.find("b"), CompletableFuture.delayedExecutor(1, TimeUnit.SECONDS))
            .thenCompose(found -> found);
    assertThatThrownBy(early::get).hasMessageContaining("no such job b");
    var bridge = new LlbBridge(bridge(Map.of()), List::of, new NoContainers());
    bridges.add("b", bridge);
    assertThat(late.get()).isSameAs(bridge);
  }

  private static class NoContainers implements Containers {
    @Override
    public void create(
        dev.kiln.grpc.gateway.NewContainerRequest request,
        java.util.function.Function<String, Optional<FrontendRef>> refs,
        java.util.function.Predicate<String> told) {
      throw new AssertionError("no container is asked for");
    }

    @Override
    public void release(String containerId) {
      throw new AssertionError("no container is asked for");
    }

    @Override
    public akka.stream.javadsl.Source<dev.kiln.grpc.gateway.ExecMessage, akka.NotUsed> exec(
        akka.stream.javadsl.Source<dev.kiln.grpc.gateway.ExecMessage, akka.NotUsed> in) {
      throw new AssertionError("no container is asked for");
    }

    @Override
    public void close() {}
  }

  private static final class NoFiles implements RefFiles {
    @Override
    public byte[] readFile(
        Optional<dev.kiln.actors.ResultId> result, String path, long offset, long length) {
      throw new AssertionError("no file is asked for");
    }

    @Override
    public List<dev.kiln.grpc.fsutil.Stat> readDir(
        Optional<dev.kiln.actors.ResultId> result, String path, String includePattern) {
      throw new AssertionError("no file is asked for");
    }

    @Override
    public dev.kiln.grpc.fsutil.Stat statFile(
        Optional<dev.kiln.actors.ResultId> result, String path) {
      throw new AssertionError("no file is asked for");
    }
  }
}
