package dev.kiln.dockerfile.instruction;

import dev.kiln.dockerfile.lint.Linter;
import dev.kiln.dockerfile.syntax.DockerfileText;
import dev.kiln.dockerfile.syntax.LocatedException;
import dev.kiln.dockerfile.syntax.Statement;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.ArrayList;
import java.util.List;

/** A whole Dockerfile: global arguments, then stages. Immutable. */
public record StageList(List<Instruction.Arg> globalArguments, List<Stage> stages) {
  public StageList {
    globalArguments = List.copyOf(globalArguments);
    stages = List.copyOf(stages);
  }

  /**
   * @throws LocatedException with the place of the first mistake
   */
  public static StageList read(DockerfileText file, Linter linter) {
    var reader = new InstructionReader(linter);
    var globals = new ArrayList<Instruction.Arg>();
    var stages = new ArrayList<Stage>();
    var current = new ArrayList<Instruction>();
    Instruction.From from = null;
    for (Statement statement : file.statements()) {
      Instruction instruction;
      try {
        instruction = reader.read(statement);
      } catch (BuildException e) {
        throw LocatedException.at(
            statement.ranges(), e.wrap("dockerfile parse error on line " + statement.startLine()));
      }
      if (instruction instanceof Instruction.From next) {
        if (from != null) {
          stages.add(new Stage(from, current));
        }
        from = next;
        current = new ArrayList<>();
      } else if (from != null) {
        current.add(instruction);
      } else if (instruction instanceof Instruction.Arg argument) {
        globals.add(argument);
      } else {
        throw LocatedException.at(
            statement.ranges(),
            new BuildException(Kind.INVALID, "no build stage in current context"));
      }
    }
    if (from == null) {
      throw new BuildException(Kind.INVALID, "dockerfile contains no stages to build");
    }
    stages.add(new Stage(from, current));
    return new StageList(globals, stages);
  }
}
