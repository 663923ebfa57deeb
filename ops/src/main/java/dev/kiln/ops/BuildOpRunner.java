package dev.kiln.ops;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.kiln.actors.CacheMap;
import dev.kiln.actors.OpContext;
import dev.kiln.actors.OpRunner;
import dev.kiln.actors.ResultId;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.llb.BuildOp;
import dev.kiln.llb.BuildRules;
import dev.kiln.llb.Definitions;
import dev.kiln.llb.Graph;
import dev.kiln.llb.Vertex;
import dev.kiln.model.BuildException;
import dev.kiln.model.GoJson;
import dev.kiln.model.KeyDigest;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import dev.kiln.mounts.CacheMounts;
import dev.kiln.ops.file.TreeFiles;
import dev.kiln.sources.SourcePolicy;
import dev.kiln.store.Refs;
import dev.kiln.store.View;
import java.io.IOException;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Solves the definition that lies in a file of an input, as part of the same builds and under their
 * rules. Any thread. Source of the form and the names: BuildKit v0.22 {@code
 * solver/llbsolver/ops/build.go}.
 */
final class BuildOpRunner implements OpRunner {
  private static final String DEFINITION_INPUT = "buildkit.llb.definition";
  private static final String FILE_NAME = "llbbuild.filename";

  /** As much as a client can send of a definition in one message. */
  private static final int MAX_DEFINITION_BYTES = 16 << 20;

  private final Refs refs;
  private final Vertex vertex;
  private final BuildOp op;
  private final Platform defaultPlatform;

  BuildOpRunner(Refs refs, Vertex vertex, BuildOp op, Platform defaultPlatform) {
    this.refs = refs;
    this.vertex = vertex;
    this.op = op;
    this.defaultPlatform = defaultPlatform;
  }

  @Override
  public CacheMap cacheMap(int index, OpContext context) {
    GoJson build = GoJson.object().numberIfSet("builder", op.builder());
    if (!op.inputs().isEmpty()) {
      var inputs = new TreeMap<String, String>();
      op.inputs()
          .forEach((k, v) -> inputs.put(k, GoJson.object().numberIfSet("input", v).toString()));
      build.raw("inputs", GoJson.rawMap(inputs));
    }
    op.definition().ifPresent(d -> build.raw("def", GoJson.base64(d)));
    build.mapIfSet("attrs", op.attrs());
    GoJson json = GoJson.object().text("Type", "buildkit.build.v0").raw("Exec", build.toString());
    return CacheMap.of(
        KeyDigest.of(json.toBytes()),
        Collections.nCopies(vertex.inputs().size(), CacheMap.Dep.PLAIN));
  }

  @Override
  public boolean cacheMapIsPure() {
    return true;
  }

  @Override
  public List<Optional<ResultId>> run(List<Optional<ResultId>> inputs, OpContext context)
      throws IOException, InterruptedException {
    if (op.builder() != BuildOp.LLB_BUILDER) {
      throw new BuildException(Kind.INVALID, "only LLB builder is currently allowed");
    }
    Integer input = op.inputs().get(DEFINITION_INPUT);
    if (input == null) {
      throw new BuildException(
          Kind.INVALID, "no llb definition input " + DEFINITION_INPUT + " found");
    }
    if (input < 0 || input >= inputs.size()) {
      throw new BuildException(Kind.INVALID, "invalid index " + input);
    }
    Definition definition = definition(inputs.get(input), context);
    BuildRules rules = context.rules();
    Optional<Graph> graph =
        Definitions.parse(definition, defaultPlatform, SourcePolicy.rewrite(rules.policies()))
            .map(rules.entitlements()::admit);
    if (graph.isEmpty()) {
      return List.of(Optional.empty());
    }
    CacheMounts.forgetIgnored(graph.get(), refs);
    Optional<ResultId> result = context.subSolver().solve(graph.get()).result();
    result.ifPresent(context.lease()::hold);
    return List.of(result);
  }

  private Definition definition(Optional<ResultId> input, OpContext context)
      throws IOException, InterruptedException {
    String file = op.attrs().getOrDefault(FILE_NAME, DEFINITION_INPUT);
    if (input.isEmpty()) {
      throw new BuildException(
          Kind.UNKNOWN,
          "failed to open " + file + ": open " + file + ": no such file or directory");
    }
    try (View view = refs.view(StoreLeases.ref(input.get()), context.progress())) {
      return Definition.parseFrom(
          TreeFiles.read(view.root(), "the build op's input", file, MAX_DEFINITION_BYTES));
    } catch (InvalidProtocolBufferException e) {
      throw new BuildException(Kind.INVALID, "failed to read " + file + ": " + e.getMessage(), e);
    } catch (BuildException e) {
      throw e.wrap("failed to open " + file);
    }
  }

  @Override
  public boolean needsPermit() {
    return false;
  }
}
