package dev.kiln.cli;

import dev.kiln.cli.lend.Lent;
import dev.kiln.cli.view.ProgressView;
import dev.kiln.model.BuildException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

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
        new Lent(
            Map.of("context", folder, "dockerfile", folder),
            List.of(),
            Map.of(),
            Map.of(),
            Map.of());
    var request = new Build.Request("dockerfile.v0", Map.of(), List.of(), Caches.NONE, lent);
    try (var daemon = DaemonChannel.open(DaemonAddress.parse(address), ClientTls.NONE)) {
      var nowhere = OutputStream.nullOutputStream();
      var _ = new Build(daemon, request, ProgressView.quiet(), nowhere).run();
    }
  }
}
