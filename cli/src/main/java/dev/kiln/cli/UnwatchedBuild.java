package dev.kiln.cli;

import dev.kiln.cli.lend.Lent;
import dev.kiln.cli.view.ProgressView;
import dev.kiln.model.BuildException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A client's build that nobody watches and that gives nothing but a warmer daemon. Stateless. */
public final class UnwatchedBuild {
  private UnwatchedBuild() {}

  /**
   * Builds the Dockerfile in {@code folder}; prints nothing. Blocks.
   *
   * @param address of the daemon, as in {@code --addr}
   * @throws BuildException why it could not be built
   */
  public static void run(String address, Path folder) throws IOException, InterruptedException {
    var lent =
        new Lent(Map.of("context", folder, "dockerfile", folder), List.of(), Map.of(), Map.of());
    var request =
        new Build.Request("dockerfile.v0", Map.of(), List.of(), List.of(), List.of(), lent);
    try (var daemon = DaemonChannel.open(address, Optional.empty());
        var nowhere =
            new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8)) {
      var _ = new Build(daemon.channel(), request, ProgressView.quiet(), nowhere).run();
    }
  }
}
