package dev.kiln.dockerfile.instruction;

import dev.kiln.dockerfile.syntax.Arguments;
import dev.kiln.model.SourceRange;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * One instruction of a Dockerfile, read but not expanded: words still hold their variables. All are
 * immutable.
 */
public sealed interface Instruction {
  /** Where it stands. */
  Origin origin();

  /** An instruction's place and words in the file. {@code keyword} is in the file's letter case. */
  record Origin(String keyword, String text, List<SourceRange> place) {
    public Origin {
      place = List.copyOf(place);
    }
  }

  /**
   * @param base image, stage or named context
   * @param name in lower case; empty for an unnamed stage
   * @param platform empty if not given
   * @param comment the description above it; empty if there is none
   */
  record From(Origin origin, String base, String name, String platform, String comment)
      implements Instruction {}

  record Add(
      Origin origin, Copying copying, boolean keepGitDir, String checksum, Optional<Boolean> unpack)
      implements Instruction {}

  /**
   * @param from stage, index, image or named context; empty for the build context
   * @param parents keep the directories above the sources
   */
  record Copy(Origin origin, Copying copying, String from, boolean parents)
      implements Instruction {}

  /** What {@code ADD} and {@code COPY} share. Absent flags are empty. */
  record Copying(
      List<String> sources,
      List<InlineFile> inline,
      String destination,
      String owner,
      String mode,
      boolean link,
      List<String> excludes) {
    public Copying {
      sources = List.copyOf(sources);
      inline = List.copyOf(inline);
      excludes = List.copyOf(excludes);
    }
  }

  /** A heredoc as a source of a copy. */
  record InlineFile(String name, String content, boolean expand) {}

  record Run(
      Origin origin,
      CommandLine command,
      List<String> mounts,
      String network,
      String security,
      List<Device> devices)
      implements Instruction {
    public Run {
      mounts = List.copyOf(mounts);
      devices = List.copyOf(devices);
    }
  }

  record Device(String name, boolean required) {}

  record Cmd(Origin origin, CommandLine command) implements Instruction {}

  record Entrypoint(Origin origin, CommandLine command) implements Instruction {}

  /**
   * A command in exec form, or in shell form: then one word that a shell reads.
   *
   * @param documents heredocs of {@code RUN}
   */
  record CommandLine(List<String> words, boolean shellForm, List<ShellDocument> documents) {
    public CommandLine {
      words = List.copyOf(words);
      documents = List.copyOf(documents);
    }
  }

  /** A heredoc of {@code RUN}: its lines as written, and as the shell would cut their tabs. */
  record ShellDocument(String name, String raw, String text) {}

  record Env(Origin origin, List<Arguments.Pair> pairs) implements Instruction {
    public Env {
      pairs = List.copyOf(pairs);
    }
  }

  record Label(Origin origin, List<Arguments.Pair> pairs) implements Instruction {
    public Label {
      pairs = List.copyOf(pairs);
    }
  }

  record Arg(Origin origin, List<Declaration> declarations) implements Instruction {
    public Arg {
      declarations = List.copyOf(declarations);
    }
  }

  /** One argument of {@code ARG}, its default and the comment that describes it (or empty). */
  record Declaration(String name, Optional<String> value, String comment) {
    public Declaration withValue(String to) {
      return new Declaration(name, Optional.of(to), comment);
    }
  }

  record Expose(Origin origin, List<String> ports) implements Instruction {
    public Expose {
      ports = List.copyOf(ports);
    }
  }

  record User(Origin origin, String user) implements Instruction {}

  record Workdir(Origin origin, String path) implements Instruction {}

  record Volume(Origin origin, List<String> paths) implements Instruction {
    public Volume {
      paths = List.copyOf(paths);
    }
  }

  record StopSignal(Origin origin, String signal) implements Instruction {}

  record Shell(Origin origin, List<String> words) implements Instruction {
    public Shell {
      words = List.copyOf(words);
    }
  }

  /** {@code HEALTHCHECK}: {@code test} as image configurations hold it. */
  record Healthcheck(
      Origin origin,
      List<String> test,
      Duration interval,
      Duration timeout,
      Duration startPeriod,
      Duration startInterval,
      int retries)
      implements Instruction {
    public Healthcheck {
      test = List.copyOf(test);
    }
  }

  /** The text of an instruction for images built on this one. */
  record OnBuild(Origin origin, String expression) implements Instruction {}

  record Maintainer(Origin origin, String name) implements Instruction {}
}
