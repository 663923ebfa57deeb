package dev.kiln.llb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.pb.DiffOp;
import dev.kiln.grpc.pb.ExecOp;
import dev.kiln.grpc.pb.ExportCache;
import dev.kiln.grpc.pb.FileAction;
import dev.kiln.grpc.pb.FileActionCopy;
import dev.kiln.grpc.pb.FileActionMkDir;
import dev.kiln.grpc.pb.FileActionRm;
import dev.kiln.grpc.pb.FileActionSymlink;
import dev.kiln.grpc.pb.FileOp;
import dev.kiln.grpc.pb.Input;
import dev.kiln.grpc.pb.Location;
import dev.kiln.grpc.pb.Locations;
import dev.kiln.grpc.pb.LowerDiffInput;
import dev.kiln.grpc.pb.MergeInput;
import dev.kiln.grpc.pb.MergeOp;
import dev.kiln.grpc.pb.Meta;
import dev.kiln.grpc.pb.Mount;
import dev.kiln.grpc.pb.MountType;
import dev.kiln.grpc.pb.Op;
import dev.kiln.grpc.pb.OpMetadata;
import dev.kiln.grpc.pb.Position;
import dev.kiln.grpc.pb.Range;
import dev.kiln.grpc.pb.Source;
import dev.kiln.grpc.pb.SourceInfo;
import dev.kiln.grpc.pb.SourceOp;
import dev.kiln.grpc.pb.UpperDiffInput;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Platform;
import dev.kiln.model.SourceRange;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

final class DefinitionsTest {
  private static final Platform AMD64 = new Platform("linux", "amd64", "");
  private final Definition.Builder definition = Definition.newBuilder();

  private Digest add(Op.Builder op) {
    var bytes = op.build().toByteString();
    definition.addDef(bytes);
    return Digest.of(bytes.toByteArray());
  }

  private Digest source(String identifier) {
    return add(Op.newBuilder().setSource(SourceOp.newBuilder().setIdentifier(identifier)));
  }

  private static Input.Builder input(Digest digest) {
    return Input.newBuilder().setDigest(digest.value());
  }

  private static ExecOp.Builder exec() {
    return ExecOp.newBuilder()
        .setMeta(Meta.newBuilder().addArgs("echo").addArgs("hi"))
        .addMounts(Mount.newBuilder().setDest("/").setInput(-1).setOutput(0));
  }

  private Graph parse() {
    return Definitions.parse(definition.build(), AMD64).orElseThrow();
  }

  private Graph parse(Digest root) {
    add(Op.newBuilder().addInputs(input(root)));
    return parse();
  }

  private void refused(String message) {
    assertThatThrownBy(this::parse)
        .isInstanceOf(BuildException.class)
        .hasMessage("failed to load LLB: " + message);
  }

  @Test
  void emptyIsScratch() {
    assertThat(Definitions.parse(Definition.getDefaultInstance(), AMD64)).isEmpty();
  }

  @Test
  void oneOpIsTooFew() {
    source("docker-image://a");
    refused("invalid LLB with 1 vertexes");
  }

  @Test
  void lastOpNeedsAnInput() {
    source("docker-image://a");
    add(Op.newBuilder());
    refused("invalid LLB with no inputs on last vertex");
  }

  @Test
  void unknownInputIsRefused() {
    source("docker-image://a");
    Digest other = Digest.of("other");
    add(Op.newBuilder().addInputs(input(other)));
    refused("invalid missing input digest " + other);
  }

  @Test
  void garbageIsRefused() {
    definition.addDef(com.google.protobuf.ByteString.copyFromUtf8("\u0001garbage"));
    assertThatThrownBy(this::parse)
        .hasMessageStartingWith("failed to load LLB: failed to parse llb proto op");
  }

  @Test
  void digestIsThatOfTheBytesAndThePlatformIsFilledIn() {
    Digest digest = source("docker-image://docker.io/library/alpine:latest");
    Graph graph = parse(digest);
    assertThat(graph.root()).isEqualTo(new Edge(digest, 0));
    Vertex vertex = graph.rootVertex();
    assertThat(vertex.platform()).contains(AMD64);
    assertThat(vertex.sentDigest()).isEqualTo(digest);
    assertThat(vertex.op())
        .isEqualTo(
            new dev.kiln.llb.SourceOp(
                "docker-image://docker.io/library/alpine:latest", java.util.Map.of()));
  }

  @Test
  void platformIsNormalised() {
    Digest digest =
        add(
            Op.newBuilder()
                .setSource(SourceOp.newBuilder().setIdentifier("docker-image://a"))
                .setPlatform(
                    dev.kiln.grpc.pb.Platform.newBuilder()
                        .setOS("linux")
                        .setArchitecture("aarch64")
                        .setVariant("v8")));
    assertThat(parse(digest).rootVertex().platform()).contains(new Platform("linux", "arm64", ""));
  }

  @Test
  void execWithoutPartsIsRefused() {
    String[][] cases = {
      {"invalid exec op with no meta"},
      {"invalid exec op with no args"},
      {"invalid exec op with no mounts"},
      {"invalid exec op with no rootfs"}
    };
    ExecOp.Builder[] ops = {
      ExecOp.newBuilder(),
      ExecOp.newBuilder().setMeta(Meta.newBuilder()),
      ExecOp.newBuilder().setMeta(Meta.newBuilder().addArgs("x")),
      exec().clearMounts().addMounts(Mount.newBuilder().setDest("/other").setInput(-1))
    };
    for (int i = 0; i < ops.length; i++) {
      definition.clear();
      Digest digest = add(Op.newBuilder().setExec(ops[i]));
      add(Op.newBuilder().addInputs(input(digest)));
      refused(cases[i][0]);
    }
  }

  @Test
  void bodiesWithoutContentAreRefused() {
    Digest digest = add(Op.newBuilder().setFile(FileOp.newBuilder()));
    add(Op.newBuilder().addInputs(input(digest)));
    refused("invalid file op with no actions");
    definition.clear();
    Digest none = add(Op.newBuilder().setPlatform(dev.kiln.grpc.pb.Platform.newBuilder()));
    add(Op.newBuilder().addInputs(input(none)));
    refused("invalid nil op");
  }

  @Test
  void mountOfAMissingInputIsRefused() {
    Digest digest =
        add(Op.newBuilder().setExec(exec().addMounts(Mount.newBuilder().setDest("/in"))));
    add(Op.newBuilder().addInputs(input(digest)));
    refused("invalid exec op with input 0 of 0");
  }

  @Test
  void unknownCapabilityIsRefused() {
    Digest digest = source("docker-image://a");
    definition.putMetadata(
        digest.value(), OpMetadata.newBuilder().putCaps("exec.future", true).build());
    add(Op.newBuilder().addInputs(input(digest)));
    refused("unknown API capability exec.future");
  }

  @Test
  void metadataReachesTheVertex() {
    Digest digest = source("docker-image://a");
    definition.putMetadata(
        digest.value(),
        OpMetadata.newBuilder()
            .setIgnoreCache(true)
            .putDescription("llb.customname", "[base] FROM a")
            .setExportCache(ExportCache.newBuilder().setValue(false))
            .putCaps("source.image", true)
            .setProgressGroup(
                dev.kiln.grpc.pb.ProgressGroup.newBuilder().setId("g").setName("G").setWeak(true))
            .build());
    VertexOptions options = parse(digest).rootVertex().options();
    assertThat(parseName(digest)).isEqualTo("[base] FROM a");
    assertThat(options.ignoreCache()).isTrue();
    assertThat(options.exportCache()).contains(false);
    assertThat(options.group().orElseThrow().weak()).isTrue();
  }

  private String parseName(Digest digest) {
    return parse().vertex(digest).name();
  }

  @Test
  void sourceLocationsAreFound() {
    Digest digest = source("docker-image://a");
    definition.setSource(
        Source.newBuilder()
            .addInfos(SourceInfo.newBuilder().setFilename("Dockerfile").setLanguage("Dockerfile"))
            .putLocations(
                digest.value(),
                Locations.newBuilder()
                    .addLocations(
                        Location.newBuilder()
                            .addRanges(
                                Range.newBuilder()
                                    .setStart(Position.newBuilder().setLine(2))
                                    .setEnd(Position.newBuilder().setLine(3))))
                    .addLocations(Location.newBuilder().setSourceIndex(7))
                    .build()));
    var locations = parse(digest).rootVertex().options().locations();
    assertThat(locations).hasSize(1);
    assertThat(locations.getFirst().info().filename()).isEqualTo("Dockerfile");
    assertThat(locations.getFirst().ranges()).containsExactly(SourceRange.lines(2, 3));
  }

  @Test
  void namesAreThoseOfBuildKit() {
    Digest a = source("docker-image://a");
    Digest b = source("docker-image://b");
    Digest run = add(Op.newBuilder().setExec(exec()));
    Digest file =
        add(
            Op.newBuilder()
                .addInputs(input(a))
                .setFile(
                    FileOp.newBuilder()
                        .addActions(
                            FileAction.newBuilder()
                                .setMkdir(FileActionMkDir.newBuilder().setPath("/d")))
                        .addActions(
                            FileAction.newBuilder()
                                .setSymlink(
                                    FileActionSymlink.newBuilder()
                                        .setOldpath("/o")
                                        .setNewpath("/n")))
                        .addActions(
                            FileAction.newBuilder().setRm(FileActionRm.newBuilder().setPath("/r")))
                        .addActions(
                            FileAction.newBuilder()
                                .setCopy(FileActionCopy.newBuilder().setSrc("/s").setDest("/t")))));
    Digest merge =
        add(
            Op.newBuilder()
                .addInputs(input(a))
                .addInputs(input(b))
                .setMerge(
                    MergeOp.newBuilder()
                        .addInputs(MergeInput.newBuilder())
                        .addInputs(MergeInput.newBuilder().setInput(1))));
    Digest diff =
        add(
            Op.newBuilder()
                .addInputs(input(merge))
                .addInputs(input(run))
                .addInputs(input(file))
                .setDiff(
                    DiffOp.newBuilder()
                        .setLower(LowerDiffInput.newBuilder().setInput(-1))
                        .setUpper(UpperDiffInput.newBuilder())));
    Graph graph = parse(diff);
    assertThat(graph.vertex(run).name()).isEqualTo("echo hi");
    assertThat(graph.vertex(file).name())
        .isEqualTo("mkdir /d, symlink /n -> /o, rm /r, copy /s /t");
    assertThat(graph.vertex(merge).name()).isEqualTo("merge (docker-image://a, docker-image://b)");
    assertThat(graph.vertex(diff).name())
        .isEqualTo("diff scratch -> (merge (docker-image://a, docker-image://b))");
    assertThat(graph.vertex(diff).op())
        .isEqualTo(new dev.kiln.llb.DiffOp(OptionalInt.empty(), OptionalInt.of(0)));
  }

  @Test
  void namesOfMergesThatDoubleStayShort() {
    Digest doubled = source("docker-image://a");
    for (int i = 0; i < 60; i++) {
      doubled =
          add(
              Op.newBuilder()
                  .addInputs(input(doubled))
                  .addInputs(input(doubled))
                  .setMerge(
                      MergeOp.newBuilder()
                          .addInputs(MergeInput.newBuilder())
                          .addInputs(MergeInput.newBuilder().setInput(1))));
    }
    assertThat(parse(doubled).vertex(doubled).name()).hasSizeLessThan(5_000).endsWith("...");
  }

  @Test
  void rewriteChangesTheDigestsOfDependantsButNotWhatErrorsName() {
    Digest a = source("docker-image://a");
    Digest run =
        add(
            Op.newBuilder()
                .addInputs(input(a))
                .setExec(exec().setMounts(0, Mount.newBuilder().setDest("/").setOutput(0))));
    add(Op.newBuilder().addInputs(input(run)));
    Graph graph =
        Definitions.parse(
                definition.build(),
                AMD64,
                (op, platform) ->
                    Optional.of(new dev.kiln.llb.SourceOp("docker-image://pinned", op.attrs())))
            .orElseThrow();
    Vertex vertex = graph.rootVertex();
    assertThat(vertex.sentDigest()).isEqualTo(run);
    assertThat(vertex.digest()).isNotEqualTo(run);
    assertThat(vertex.digest()).isEqualTo(Digest.of(vertex.opBytes()));
    assertThat(graph.vertex(vertex.inputs().getFirst().vertex()).name())
        .isEqualTo("docker-image://pinned");
  }

  @Test
  void deepChainsDoNotOverflow() {
    Digest last = source("docker-image://a");
    for (int i = 0; i < 20_000; i++) {
      last =
          add(
              Op.newBuilder()
                  .addInputs(input(last))
                  .setFile(
                      FileOp.newBuilder()
                          .addActions(
                              FileAction.newBuilder()
                                  .setMkdir(FileActionMkDir.newBuilder().setPath("/" + i)))));
    }
    assertThat(parse(last).vertices()).hasSize(20_001);
  }

  @Test
  void anOperationHasTenThousandInputsAtMost() {
    Digest image = source("docker-image://a");
    var merge = Op.newBuilder().setMerge(MergeOp.newBuilder().addInputs(MergeInput.newBuilder()));
    for (int i = 0; i < 10_000; i++) {
      merge.addInputs(input(image));
    }
    assertThat(parse(add(merge)).vertices()).hasSize(2);
    definition.clear();
    source("docker-image://a");
    add(Op.newBuilder().addInputs(input(add(merge.addInputs(input(image))))));
    refused("an operation of 10001 inputs: the most is 10000, share them among several");
  }

  @Test
  void anExecOpHasAThousandMountsAtMost() {
    ExecOp.Builder step = exec();
    for (int i = 1; i < 1_000; i++) {
      step.addMounts(Mount.newBuilder().setDest("/" + i).setInput(-1));
    }
    assertThat(parse(add(Op.newBuilder().setExec(step))).vertices()).hasSize(1);
    definition.clear();
    step.addMounts(Mount.newBuilder().setDest("/more").setInput(-1));
    Digest digest = add(Op.newBuilder().setExec(step));
    add(Op.newBuilder().addInputs(input(digest)));
    refused("1001 mounts of one step: the most is 1000, mount a folder of them instead");
  }

  @Test
  void aTextWithANulIsRefusedWithItsField() {
    ExecOp.Builder step = exec();
    step.getMetaBuilder().setCgroupParent("a\0b");
    Digest digest = add(Op.newBuilder().setExec(step));
    add(Op.newBuilder().addInputs(input(digest)));
    refused("invalid exec op: meta.cgroupParent has a NUL byte");
    definition.clear();
    var folder =
        FileAction.newBuilder().setMkdir(FileActionMkDir.newBuilder().setPath("/\0" + "1"));
    digest = add(Op.newBuilder().setFile(FileOp.newBuilder().addActions(folder)));
    add(Op.newBuilder().addInputs(input(digest)));
    refused("invalid file op: actions.mkdir.path has a NUL byte");
    assertThatThrownBy(
            () -> Definitions.mount(Mount.newBuilder().setDest("/d").setSelector("\0").build(), 1))
        .hasMessage("invalid mount: selector has a NUL byte");
  }

  @Test
  void mountKindsCarryTheirOptions() {
    Digest digest =
        add(
            Op.newBuilder()
                .setExec(
                    exec()
                        .addMounts(
                            Mount.newBuilder()
                                .setDest("/c")
                                .setInput(-1)
                                .setOutput(-1)
                                .setMountType(MountType.CACHE)
                                .setCacheOpt(dev.kiln.grpc.pb.CacheOpt.newBuilder().setID("id")))));
    var op = (dev.kiln.llb.ExecOp) parse(digest).rootVertex().op();
    assertThat(op.mounts().get(1).options())
        .isEqualTo(
            new MountOptions.Cache(
                Optional.of(
                    new MountOptions.CacheOptions("id", MountOptions.CacheSharing.SHARED))));
    assertThat(op.outputCount()).isEqualTo(1);
    definition.clear();
    Digest secret =
        add(
            Op.newBuilder()
                .setExec(
                    exec()
                        .addMounts(
                            Mount.newBuilder()
                                .setDest("/s")
                                .setInput(-1)
                                .setMountType(MountType.SECRET))));
    add(Op.newBuilder().addInputs(input(secret)));
    refused("invalid secret mount options");
  }

  @Test
  void advertisesTheMisspeltCapability() {
    assertThat(Caps.LLB).contains("soruce.http.uidgid").doesNotContain("file.copy.modestring");
  }
}
