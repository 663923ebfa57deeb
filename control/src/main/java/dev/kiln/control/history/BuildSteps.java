package dev.kiln.control.history;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.pb.Input;
import dev.kiln.grpc.pb.Op;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.GoJson;
import dev.kiln.model.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A definition as numbered steps, each after its inputs. Immutable. What only tells one client from
 * another is left out of sources. Source of the form: BuildKit v0.22 {@code
 * solver/llbsolver/provenance.go}.
 */
final class BuildSteps {
  private static final List<String> CLIENTS_OWN = List.of("local.session", "local.unique");
  private final Map<Digest, Integer> numbers;
  private final List<Op> ops;

  private BuildSteps(Map<Digest, Integer> numbers, List<Op> ops) {
    this.numbers = numbers;
    this.ops = ops;
  }

  /** The steps; empty for the empty definition. */
  static Optional<BuildSteps> of(Definition definition) {
    if (definition.getDefCount() == 0) {
      return Optional.empty();
    }
    Map<Digest, Op> ops = new HashMap<>();
    Digest last = Digest.of("");
    for (ByteString bytes : definition.getDefList()) {
      last = Digest.of(bytes.toByteArray());
      ops.put(last, parse(bytes));
    }
    Map<Digest, Integer> numbers = new LinkedHashMap<>();
    Deque<Digest> path = new ArrayDeque<>(List.of(last));
    while (!path.isEmpty()) { // depth first without recursion: graphs may be deep
      Digest at = path.peek();
      Op op = ops.get(at);
      if (op == null) {
        throw new BuildException(Kind.INVALID, "failed to find input " + at);
      }
      Optional<Digest> next =
          op.getInputsList().stream()
              .map(Input::getDigest)
              .map(Digest::new)
              .filter(d -> !numbers.containsKey(d))
              .findFirst();
      if (next.isPresent()) {
        path.push(next.get());
      } else {
        path.pop();
        numbers.putIfAbsent(at, numbers.size());
      }
    }
    return Optional.of(new BuildSteps(numbers, numbers.keySet().stream().map(ops::get).toList()));
  }

  private static Op parse(ByteString bytes) {
    try {
      Op op = Op.parseFrom(bytes);
      if (!op.hasSource()) {
        return op;
      }
      Op.Builder without = op.toBuilder();
      CLIENTS_OWN.forEach(without.getSourceBuilder()::removeAttrs);
      return without.build();
    } catch (InvalidProtocolBufferException e) {
      throw new BuildException(Kind.INVALID, "failed to parse llb proto op: " + e.getMessage(), e);
    }
  }

  /** The name of the step of a vertex. */
  Optional<String> step(Digest vertex) {
    return Optional.ofNullable(numbers.get(vertex)).map(n -> "step" + n);
  }

  /**
   * {@code llbDefinition} and {@code digestMapping}, as fields of {@code json}.
   *
   * @param usages what steps used, by their vertices: JSON
   */
  void into(GoJson json, Map<Digest, String> usages) {
    var steps = new ArrayList<GoJson>();
    List<Digest> digests = List.copyOf(numbers.keySet());
    for (int i = 0; i < ops.size(); i++) {
      Op op = ops.get(i);
      List<String> inputs =
          op.getInputsList().stream()
              .map(in -> step(new Digest(in.getDigest())).orElseThrow() + ":" + in.getIndex())
              .toList();
      GoJson step =
          GoJson.object()
              .text("id", "step" + i)
              .raw("op", ProtoGoJson.of(op.toBuilder().clearInputs().build()).toString())
              .textsIfSet("inputs", inputs);
      Optional.ofNullable(usages.get(digests.get(i)))
          .ifPresent(usage -> step.raw("resourceUsage", usage));
      steps.add(step);
    }
    Map<String, String> mapping = new HashMap<>();
    numbers.forEach((digest, number) -> mapping.put(digest.value(), "step" + number));
    json.objectsIfSet("llbDefinition", steps).mapIfSet("digestMapping", mapping);
  }
}
