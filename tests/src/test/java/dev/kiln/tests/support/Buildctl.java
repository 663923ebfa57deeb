package dev.kiln.tests.support;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** BuildKit's own client for one daemon. */
public final class Buildctl {
  private final Path program;
  private final List<String> global;

  private Buildctl(Path program, List<String> global) {
    this.program = program;
    this.global = List.copyOf(global);
  }

  /** The client of {@code daemon}; the test is skipped where there is no client. */
  public static Buildctl of(Distribution daemon) throws IOException, InterruptedException {
    return at(daemon.address());
  }

  /**
   * @param flags global ones, of TLS for instance
   */
  public static Buildctl at(String address, String... flags)
      throws IOException, InterruptedException {
    var global = new ArrayList<>(List.of("--addr", address));
    global.addAll(List.of(flags));
    return new Buildctl(GoTools.buildctl(), global);
  }

  /** A command that is ready to be started; both its streams come as one. */
  public ProcessBuilder command(String... args) {
    var command = new ArrayList<String>();
    command.add(program.toString());
    command.addAll(global);
    command.addAll(List.of(args));
    return new ProcessBuilder(command).redirectErrorStream(true);
  }

  public Distribution.Run run(String... args) throws IOException, InterruptedException {
    return Distribution.await(command(args).start());
  }

  /** A build of the Dockerfile in {@code context}, with plain progress. */
  public ProcessBuilder build(Path context, String... more) {
    var args =
        new ArrayList<>(
            List.of(
                "build",
                "--progress=plain",
                "--frontend=dockerfile.v0",
                "--local=context=" + context,
                "--local=dockerfile=" + context));
    args.addAll(List.of(more));
    return command(args.toArray(String[]::new));
  }

  /** The first lines of a Dockerfile whose steps need nothing but a static busybox. */
  public static final String BASE =
      """
      FROM scratch AS base
      COPY busybox /bin/busybox
      SHELL ["/bin/busybox", "sh", "-c"]
      """;

  /** A build context in {@code folder} with that busybox and this Dockerfile. */
  public static Path context(Path folder, String dockerfile) throws IOException {
    Files.createDirectories(folder);
    if (!Files.exists(folder.resolve("busybox"))) {
      Files.copy(Path.of("/bin/busybox"), folder.resolve("busybox"));
    }
    Files.writeString(folder.resolve("Dockerfile"), dockerfile);
    return folder;
  }
}
