package dev.kiln.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kiln.actors.OpContext;
import dev.kiln.actors.ResultId;
import dev.kiln.actors.ResultLease;
import dev.kiln.actors.SolvedEdge;
import dev.kiln.actors.SubSolver;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.pb.ExecOp;
import dev.kiln.grpc.pb.Input;
import dev.kiln.grpc.pb.Meta;
import dev.kiln.grpc.pb.NetMode;
import dev.kiln.grpc.pb.Op;
import dev.kiln.grpc.pb.SecurityMode;
import dev.kiln.grpc.pb.SourceOp;
import dev.kiln.grpc.sourcepolicy.Policy;
import dev.kiln.grpc.sourcepolicy.PolicyAction;
import dev.kiln.grpc.sourcepolicy.Rule;
import dev.kiln.grpc.sourcepolicy.Selector;
import dev.kiln.grpc.sourcepolicy.Update;
import dev.kiln.llb.BuildOp;
import dev.kiln.llb.BuildRules;
import dev.kiln.llb.Edge;
import dev.kiln.llb.Entitlements;
import dev.kiln.llb.Graph;
import dev.kiln.llb.Vertex;
import dev.kiln.llb.VertexOptions;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import dev.kiln.model.StepProgress;
import dev.kiln.store.Refs;
import dev.kiln.store.View;
import dev.kiln.sys.Mount;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A build op's definition is held to the rules of the builds that want it (A-60, A-81, L-120). */
class BuildOpRunnerTest {
  private static final Digest ANY = Digest.of("any");
  private static final String FILE = "buildkit.llb.definition";

  @TempDir Path folder;
  private final List<Graph> solved = new ArrayList<>();

  private static Op image() {
    return Op.newBuilder()
        .setSource(SourceOp.newBuilder().setIdentifier("docker-image://docker.io/library/a:1"))
        .build();
  }

  private static Op exec(Op on, NetMode network, SecurityMode security) {
    return Op.newBuilder()
        .addInputs(Input.newBuilder().setDigest(Digest.of(on.toByteArray()).value()))
        .setExec(
            ExecOp.newBuilder()
                .setMeta(Meta.newBuilder().addArgs("id").setCwd("/"))
                .addMounts(dev.kiln.grpc.pb.Mount.newBuilder().setDest("/"))
                .setNetwork(network)
                .setSecurity(security))
        .build();
  }

  private static Definition definition(Op... ops) {
    var all = Definition.newBuilder();
    for (Op op : ops) {
      all.addDef(op.toByteString());
    }
    String last = Digest.of(ops[ops.length - 1].toByteArray()).value();
    return all.addDef(
            Op.newBuilder().addInputs(Input.newBuilder().setDigest(last)).build().toByteString())
        .build();
  }

  private List<Optional<ResultId>> run(Definition nested, BuildRules rules) throws Exception {
    Files.write(folder.resolve(FILE), nested.toByteArray());
    BuildOp op = new BuildOp(BuildOp.LLB_BUILDER, Map.of(FILE, 0), Optional.empty(), Map.of());
    Vertex vertex =
        new Vertex(
            ANY,
            ANY,
            op,
            List.of(new Edge(ANY, 0)),
            Optional.empty(),
            VertexOptions.NONE,
            "",
            new byte[0]);
    return new BuildOpRunner(refs(), vertex, op, Platform.host())
        .run(List.of(Optional.of(new ResultId("input"))), new Context(vertex, rules));
  }

  /** Has one state, the folder. */
  private Refs refs() {
    return (Refs)
        Proxy.newProxyInstance(
            Refs.class.getClassLoader(),
            new Class<?>[] {Refs.class},
            (_, method, _) -> {
              if (method.getName().equals("view")) {
                return new Folder(folder);
              }
              throw new AssertionError("not needed: " + method);
            });
  }

  private record Folder(Path root) implements View {
    @Override
    public List<Mount> mounts() {
      return List.of();
    }

    @Override
    public void close() {}
  }

  private final class Context implements OpContext {
    private final Vertex vertex;
    private final BuildRules rules;

    Context(Vertex vertex, BuildRules rules) {
      this.vertex = vertex;
      this.rules = rules;
    }

    @Override
    public Vertex vertex() {
      return vertex;
    }

    @Override
    public List<String> sessionIds() {
      return List.of();
    }

    @Override
    public List<String> jobIds() {
      return List.of("job");
    }

    @Override
    public BuildRules rules() {
      return rules;
    }

    @Override
    public StepProgress progress() {
      return (StepProgress)
          Proxy.newProxyInstance(
              StepProgress.class.getClassLoader(),
              new Class<?>[] {StepProgress.class},
              (_, _, _) -> null);
    }

    @Override
    public ResultLease lease() {
      return new ResultLease() {
        @Override
        public void hold(ResultId result) {}

        @Override
        public void close() {}
      };
    }

    @Override
    public Optional<Object> option(String key) {
      return Optional.empty();
    }

    @Override
    public SubSolver subSolver() {
      return graph -> {
        solved.add(graph);
        return new SolvedEdge(graph.root(), Optional.of(new ResultId("built")), List.of());
      };
    }
  }

  private static BuildRules granted(boolean host, boolean insecure) {
    return new BuildRules(new Entitlements(host, insecure, Entitlements.NONE.devices()), List.of());
  }

  private static BuildRules policy(Rule.Builder rule) {
    return new BuildRules(
        Entitlements.NONE, List.of(Policy.newBuilder().setVersion(1).addRules(rule).build()));
  }

  @Test
  void solvesWhatNeedsNoRights() throws Exception {
    Op image = image();
    assertThat(
            run(
                definition(image, exec(image, NetMode.UNSET, SecurityMode.SANDBOX)),
                BuildRules.NONE))
        .containsExactly(Optional.of(new ResultId("built")));
  }

  @Test
  void refusesAnInsecureStepThatTheBuildWasNotGranted() throws Exception {
    Op image = image();
    Definition nested = definition(image, exec(image, NetMode.UNSET, SecurityMode.INSECURE));
    assertThatThrownBy(() -> run(nested, granted(true, false)))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.DENIED))
        .hasMessageContaining("security.insecure is not allowed");
    assertThat(solved).isEmpty();
    run(nested, granted(false, true));
    assertThat(solved).hasSize(1);
  }

  @Test
  void refusesTheHostsNetworkThatTheBuildWasNotGranted() throws Exception {
    Op image = image();
    Definition nested = definition(image, exec(image, NetMode.HOST, SecurityMode.SANDBOX));
    assertThatThrownBy(() -> run(nested, granted(false, true)))
        .hasMessageContaining("network.host is not allowed");
    assertThat(solved).isEmpty();
    run(nested, granted(true, false));
    assertThat(solved).hasSize(1);
  }

  @Test
  void refusesASourceThatTheBuildsPolicyDenies() {
    BuildRules denies =
        policy(
            Rule.newBuilder()
                .setAction(PolicyAction.DENY)
                .setSelector(Selector.newBuilder().setIdentifier("docker-image://*")));
    assertThatThrownBy(() -> run(definition(image()), denies))
        .isInstanceOfSatisfying(
            BuildException.class, e -> assertThat(e.kind()).isEqualTo(Kind.DENIED))
        .hasMessageContaining("source denied by policy");
    assertThat(solved).isEmpty();
  }

  @Test
  void takesTheSourceThatTheBuildsPolicyPutsInPlace() throws Exception {
    run(
        definition(image()),
        policy(
            Rule.newBuilder()
                .setAction(PolicyAction.CONVERT)
                .setSelector(
                    Selector.newBuilder().setIdentifier("docker-image://docker.io/library/a:1"))
                .setUpdates(
                    Update.newBuilder().setIdentifier("docker-image://docker.io/library/b:2"))));
    assertThat(solved.getFirst().vertices().values())
        .extracting(Vertex::op)
        .containsExactly(
            new dev.kiln.llb.SourceOp("docker-image://docker.io/library/b:2", Map.of()));
  }
}
