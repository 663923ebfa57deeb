package dev.kiln.dockerfile.request;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.kiln.dockerfile.convert.Converted;
import dev.kiln.dockerfile.convert.Outline;
import dev.kiln.dockerfile.instruction.Instruction;
import dev.kiln.dockerfile.instruction.Stage;
import dev.kiln.dockerfile.instruction.StageList;
import dev.kiln.dockerfile.lint.Linter;
import dev.kiln.dockerfile.syntax.DockerfileParser;
import dev.kiln.dockerfile.syntax.LocatedException;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.grpc.pb.Op;
import dev.kiln.grpc.pb.SourceInfo;
import dev.kiln.model.BuildException;
import dev.kiln.model.Detail;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import dev.kiln.model.SourceRange;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/** The answers to subrequests, in the shapes that clients print. Pure. */
public final class Subrequests {
  private static final String STABLE = "1.0.0";

  /** What can be asked. */
  public enum Kinds {
    DESCRIBE("frontend.subrequests.describe", STABLE, "List available subrequest types"),
    OUTLINE("frontend.outline", STABLE, "List all parameters current build target supports"),
    TARGETS("frontend.targets", STABLE, "List all targets current build supports"),
    LINT("frontend.lint", STABLE, "Lint a Dockerfile"),
    CONVERT("frontend.convertllb", "0.1.0", "Convert Dockerfile to LLB");

    private final String id;
    private final String version;
    private final String description;

    Kinds(String id, String version, String description) {
      this.id = id;
      this.version = version;
      this.description = description;
    }
  }

  private Subrequests() {}

  /**
   * @throws BuildException {@code UNKNOWN} with the detail that clients look for
   */
  public static Kinds kind(String id) {
    for (Kinds kind : Kinds.values()) {
      if (kind.id.equals(id)) {
        return kind;
      }
    }
    throw new BuildException(Kind.UNKNOWN, "unsupported request " + id)
        .with(new Detail.SubrequestUnsupported(id));
  }

  /** What can be asked here; the check is not listed, as BuildKit v0.22 does not (F-146). */
  public static Answer describe() {
    ArrayNode all = IndentedJson.array();
    var table = new TextTable(1).row("NAME", "VERSION", "DESCRIPTION");
    for (Kinds kind : List.of(Kinds.OUTLINE, Kinds.TARGETS, Kinds.CONVERT, Kinds.DESCRIBE)) {
      all.add(definition(kind));
      table.row(kind.id.substring("frontend.".length()), kind.version, kind.description);
    }
    return Answer.of(IndentedJson.write(all), table.toString(), STABLE);
  }

  private static ObjectNode definition(Kinds kind) {
    ObjectNode node = IndentedJson.object();
    node.put("name", kind.id)
        .put("version", kind.version)
        .put("type", "rpc")
        .put("description", kind.description);
    switch (kind) {
      case OUTLINE ->
          node.putArray("opts")
              .addObject()
              .put("name", "target")
              .put("description", "Target build stage");
      case TARGETS, LINT, CONVERT -> node.putArray("opts");
      case DESCRIBE -> node.putNull("opts");
    }
    node.putNull("inputs");
    ArrayNode metadata = node.putArray("metadata");
    metadata.addObject().put("name", "result.json").put("description", "");
    if (kind != Kinds.CONVERT) {
      metadata.addObject().put("name", "result.txt").put("description", "");
    }
    return node.putNull("refs");
  }

  public static Answer outline(Converted.TargetOutline outline, SourceInfo source) {
    ObjectNode node = IndentedJson.object();
    IndentedJson.putIfSet(node, "name", outline.name());
    IndentedJson.putIfSet(node, "description", outline.comment());
    if (!outline.arguments().isEmpty()) {
      ArrayNode arguments = node.putArray("args");
      for (Outline.Argument argument : outline.arguments()) {
        ObjectNode one = arguments.addObject().put("name", argument.declaration().name());
        IndentedJson.putIfSet(one, "description", argument.declaration().comment());
        IndentedJson.putIfSet(one, "value", argument.value());
        IndentedJson.putPlace(one, argument.place());
      }
    }
    needs(node, "secrets", outline.secrets());
    needs(node, "ssh", outline.agents());
    node.putArray("sources").add(source.getData().toByteArray());
    return Answer.of(IndentedJson.write(node), text(outline), STABLE);
  }

  private static void needs(ObjectNode node, String name, List<Converted.Named> needs) {
    if (needs.isEmpty()) {
      return;
    }
    ArrayNode array = node.putArray(name);
    for (Converted.Named need : needs) {
      ObjectNode one = array.addObject().put("name", need.id());
      if (need.need().required()) {
        one.put("required", true);
      }
      IndentedJson.putPlace(one, need.need().place());
    }
  }

  private static String text(Converted.TargetOutline outline) {
    var out = new StringBuilder();
    if (!outline.name().isEmpty() || !outline.comment().isEmpty()) {
      var table = new TextTable(1);
      table.row("TARGET:", outline.name().isEmpty() ? "(default)" : outline.name());
      if (!outline.comment().isEmpty()) {
        table.row("DESCRIPTION:", outline.comment());
      }
      out.append(table).append('\n');
    }
    if (!outline.arguments().isEmpty()) {
      var table = new TextTable(3).row("BUILD ARG", "VALUE", "DESCRIPTION");
      outline
          .arguments()
          .forEach(a -> table.row(a.declaration().name(), a.value(), a.declaration().comment()));
      out.append(table).append('\n');
    }
    out.append(needsTable("SECRET", outline.secrets())).append(needsTable("SSH", outline.agents()));
    return out.toString();
  }

  private static String needsTable(String title, List<Converted.Named> needs) {
    if (needs.isEmpty()) {
      return "";
    }
    var table = new TextTable(3).row(title, "REQUIRED");
    needs.forEach(n -> table.row(n.id(), n.need().required() ? "true" : ""));
    return table + "\n";
  }

  /**
   * @throws LocatedException with the place of a mistake in the file
   */
  public static Answer targets(SourceInfo source) {
    StageList file =
        StageList.read(
            DockerfileParser.parse(source.getData().toString(StandardCharsets.UTF_8)),
            Linter.silent());
    ObjectNode node = IndentedJson.object();
    ArrayNode targets = node.putArray("targets");
    var table = new TextTable(1).row("TARGET", "DESCRIPTION");
    for (Stage stage : file.stages()) {
      Instruction.From from = stage.from();
      boolean last = stage == file.stages().getLast();
      ObjectNode one = targets.addObject();
      IndentedJson.putIfSet(one, "name", from.name());
      if (last) {
        one.put("default", true);
      }
      IndentedJson.putIfSet(one, "description", from.comment());
      IndentedJson.putIfSet(one, "base", from.base());
      IndentedJson.putIfSet(one, "platform", from.platform());
      IndentedJson.putPlace(one, from.origin().place());
      String shown = last ? (from.name() + " (default)").strip() : from.name();
      table.row(shown, from.comment());
    }
    node.putArray("sources").add(source.getData().toByteArray());
    return Answer.of(IndentedJson.write(node), table.toString(), STABLE);
  }

  /** What a check found; {@code failure} is why the file could not be converted. */
  public static Answer lint(
      List<Linter.Warning> warnings, Optional<RuntimeException> failure, SourceInfo source) {
    ObjectNode node = IndentedJson.object();
    if (warnings.isEmpty()) {
      node.putNull("warnings");
    } else {
      ArrayNode array = node.putArray("warnings");
      for (Linter.Warning warning : warnings) {
        ObjectNode one = array.addObject().put("ruleName", warning.rule().id());
        IndentedJson.putIfSet(one, "description", warning.rule().description());
        IndentedJson.putIfSet(one, "url", warning.rule().url());
        IndentedJson.putIfSet(one, "detail", warning.message());
        one.set("location", IndentedJson.place(warning.place()));
      }
    }
    node.putArray("sources").add(ProtoJson.of(source));
    failure.ifPresent(f -> {
      ObjectNode error = node.putObject("buildError");
      error.put("message", String.valueOf(f.getMessage()));
      error.set("location", IndentedJson.place(merged(f)));
    });
    boolean clean = warnings.isEmpty() && failure.isEmpty();
    return Answer.of(IndentedJson.write(node), text(warnings, source), STABLE)
        .with("result.statuscode", clean ? "0" : "1");
  }

  private static String text(List<Linter.Warning> warnings, SourceInfo source) {
    var out = new StringBuilder();
    warnings.stream()
        .sorted(
            Comparator.comparingInt(
                w -> w.place().isEmpty() ? 0 : w.place().getFirst().startLine()))
        .forEach(w -> {
          out.append("\nWARNING: ").append(w.rule().id());
          if (!w.rule().url().isEmpty()) {
            out.append(" - ").append(w.rule().url());
          }
          out.append('\n').append(w.message()).append('\n');
          out.append(SourceExcerpt.of(source, w.place()));
        });
    return out.toString();
  }

  /** The places of a failure in the order of the file; what overlaps is one. */
  private static List<SourceRange> merged(RuntimeException failure) {
    if (!(failure instanceof LocatedException located)) {
      return List.of();
    }
    var merged = new ArrayList<SourceRange>();
    located.places().stream()
        .flatMap(List::stream)
        .sorted(Comparator.comparingInt(SourceRange::startLine))
        .forEach(next -> {
          if (merged.isEmpty() || next.startLine() > merged.getLast().endLine()) {
            merged.add(next);
            return;
          }
          SourceRange last = merged.removeLast();
          merged.add(
              new SourceRange(
                  last.startLine(),
                  last.startCharacter(),
                  Math.max(last.endLine(), next.endLine()),
                  last.endCharacter()));
        });
    return merged;
  }

  /** The definition, readable (F-144). */
  public static Answer converted(Definition definition) {
    ObjectNode node = IndentedJson.object();
    var ops = new TreeMap<String, ObjectNode>();
    definition
        .getDefList()
        .forEach(bytes -> {
          try {
            ops.put(Digest.of(bytes.toByteArray()).value(), ProtoJson.of(Op.parseFrom(bytes)));
          } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException("a definition written here is well formed", e);
          }
        });
    ObjectNode def = node.putObject("def");
    ops.forEach(def::set);
    ObjectNode metadata = node.putObject("metadata");
    new TreeMap<>(definition.getMetadataMap())
        .forEach((digest, m) -> metadata.set(digest, ProtoJson.of(m)));
    node.set("source", ProtoJson.of(definition.getSource()));
    return Answer.ofJson(IndentedJson.write(node), Kinds.CONVERT.version);
  }
}
