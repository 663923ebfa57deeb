package dev.kiln.cli;

import dev.kiln.cli.view.TerminalText;
import io.netty.util.internal.logging.InternalLoggerFactory;
import io.netty.util.internal.logging.JdkLoggerFactory;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** The {@code kiln} command. {@code kiln daemon} is another program's entry, in {@code daemon}. */
@Command(
    name = "kiln",
    mixinStandardHelpOptions = true,
    versionProvider = KilnCommand.Version.class,
    description = "Builds container images. `kiln daemon` serves builds, `kiln build` makes one.",
    footer = "%n`kiln daemon --help` shows the daemon's flags, which are buildkitd's.",
    subcommands = {BuildCommand.class})
public final class KilnCommand implements Runnable {
  @Spec private @org.jspecify.annotations.Nullable CommandSpec spec;

  // Held: a logger nobody holds is made anew, with its old level.
  private static final List<Logger> QUIET =
      List.of(Logger.getLogger("io.netty"), Logger.getLogger("io.grpc"));

  public static void main(String[] args) {
    Interrupts.deliverTo(Thread.currentThread());
    // A command's output is for its user: what the transport notes on the way is not.
    InternalLoggerFactory.setDefaultFactory(JdkLoggerFactory.INSTANCE);
    QUIET.forEach(logger -> logger.setLevel(Level.SEVERE));
    System.exit(run(args));
  }

  /** Runs the command; the result is the process' exit code. */
  public static int run(String... args) {
    return new CommandLine(new KilnCommand())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setParameterExceptionHandler((wrong, _) -> wrongCommandLine(wrong))
        .setExecutionExceptionHandler((fault, _, _) -> {
          fault.printStackTrace();
          System.err.println("error: a fault of kiln's own: " + fault);
          return 1;
        })
        .execute(args);
  }

  // One line and no usage: a screen of options would push the error out of sight.
  private static int wrongCommandLine(ParameterException wrong) {
    CommandLine command = wrong.getCommandLine();
    String message = String.valueOf(wrong.getMessage());
    if (wrong instanceof UnmatchedArgumentException unmatched) {
      List<String> meant = unmatched.getSuggestions();
      message += meant.isEmpty() ? "" : "; perhaps " + String.join(" or ", meant);
    }
    String name = command.getCommandSpec().qualifiedName();
    System.err.println(
        "error: " + TerminalText.lines(message) + "; `" + name + " --help` shows the options");
    return 2;
  }

  @Override
  public void run() {
    if (spec != null) {
      throw new ParameterException(spec.commandLine(), "kiln needs a command: build or daemon");
    }
  }

  /** The version that the jar was built as. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = KilnCommand.class.getPackage().getImplementationVersion();
      return new String[] {"kiln " + (version == null ? "development build" : version)};
    }
  }
}
