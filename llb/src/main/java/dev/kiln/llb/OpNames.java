package dev.kiln.llb;

import dev.kiln.model.Digest;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The names that vertices get where the client gives none (features L-16). Pure. */
final class OpNames {
  private OpNames() {}

  static String of(Op op, List<Edge> inputs, Function<Digest, String> nameOf) {
    return switch (op) {
      case SourceOp source -> source.identifier();
      case ExecOp exec -> String.join(" ", exec.meta().args());
      case FileOp file ->
          file.steps().stream().map(s -> action(s.action())).collect(Collectors.joining(", "));
      case BuildOp _ -> "build";
      case MergeOp _ ->
          inputs.stream()
              .map(input -> nameOf.apply(input.vertex()))
              .collect(Collectors.joining(", ", "merge (", ")"));
      case DiffOp diff ->
          "diff "
              + side(diff.lower(), inputs, nameOf)
              + " -> "
              + side(diff.upper(), inputs, nameOf);
    };
  }

  private static String side(
      OptionalInt input, List<Edge> inputs, Function<Digest, String> nameOf) {
    return input.isEmpty()
        ? "scratch"
        : "(" + nameOf.apply(inputs.get(input.getAsInt()).vertex()) + ")";
  }

  private static String action(FileAction action) {
    return switch (action) {
      case FileAction.MkDir a -> "mkdir " + a.path();
      case FileAction.MkFile a -> "mkfile " + a.path();
      case FileAction.Symlink a -> "symlink " + a.newPath() + " -> " + a.oldPath();
      case FileAction.Rm a -> "rm " + a.path();
      case FileAction.Copy a -> "copy " + a.source() + " " + a.dest();
    };
  }
}
