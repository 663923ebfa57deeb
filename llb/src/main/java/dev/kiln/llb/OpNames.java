package dev.kiln.llb;

import dev.kiln.model.Digest;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The names that vertices get where the client gives none (features L-16). Pure. */
final class OpNames {
  /**
   * Characters of a name that is made of other names. Without a limit each op that takes another
   * one twice would double it.
   */
  private static final int LONGEST = 4096;

  private OpNames() {}

  static String of(Op op, List<Edge> inputs, Function<Digest, String> nameOf) {
    return switch (op) {
      case SourceOp source -> source.identifier();
      case ExecOp exec -> String.join(" ", exec.meta().args());
      case FileOp file ->
          file.steps().stream().map(s -> action(s.action())).collect(Collectors.joining(", "));
      case BuildOp _ -> "build";
      case MergeOp _ -> merge(inputs, nameOf);
      case DiffOp diff ->
          clipped(
              "diff "
                  + side(diff.lower(), inputs, nameOf)
                  + " -> "
                  + side(diff.upper(), inputs, nameOf));
    };
  }

  private static String merge(List<Edge> inputs, Function<Digest, String> nameOf) {
    var name = new StringBuilder("merge (");
    for (int i = 0; i < inputs.size() && name.length() <= LONGEST; i++) {
      name.append(i == 0 ? "" : ", ").append(clipped(nameOf.apply(inputs.get(i).vertex())));
    }
    return clipped(name.append(')').toString());
  }

  private static String clipped(String name) {
    return name.length() <= LONGEST ? name : name.substring(0, LONGEST) + "...";
  }

  private static String side(
      OptionalInt input, List<Edge> inputs, Function<Digest, String> nameOf) {
    return input.isEmpty()
        ? "scratch"
        : "(" + clipped(nameOf.apply(inputs.get(input.getAsInt()).vertex())) + ")";
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
