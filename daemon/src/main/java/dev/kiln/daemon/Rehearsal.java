package dev.kiln.daemon;

import dev.kiln.cli.KilnCommand;
import dev.kiln.config.ConfigException;
import dev.kiln.config.ConfigReader;
import dev.kiln.config.DaemonConfig;
import dev.kiln.sys.BytePath;
import dev.kiln.sys.Directories;
import dev.kiln.sys.Fd;
import dev.kiln.sys.SyscallException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A daemon within the daemon, for builds that nobody wants: on a folder and a socket of its own,
 * which are thrown away with it. It runs no step, mounts nothing, asks no network and exports no
 * span, so that whatever ends the process leaves files at most. One thread.
 */
final class Rehearsal implements WarmUp.Builds {
  private final Path folder;
  private final Path context;
  private final Path socket;
  private final Wiring daemon;

  private Rehearsal(Path folder, DaemonConfig config) throws IOException {
    this.folder = folder;
    context = Files.createDirectory(folder.resolve("context"));
    Files.writeString(context.resolve("file"), "rehearsal\n");
    Files.writeString(
        context.resolve("Dockerfile"),
        "FROM scratch AS base\nCOPY file /file\nFROM scratch\nCOPY --from=base /file /copy\n");
    socket = folder.resolve("sock");
    var bound =
        ServerSocketChannel.open(StandardProtocolFamily.UNIX)
            .bind(UnixDomainSocketAddress.of(socket));
    daemon = Wiring.start(config, Map.of());
    daemon.server().listen(bound, Optional.empty());
  }

  /**
   * Starts it.
   *
   * @param real the configuration of the daemon around it
   */
  static Rehearsal open(DaemonConfig real) throws IOException {
    Path folder = folder(real.root());
    Folders.makeState(folder);
    try {
      return new Rehearsal(folder, config(folder, real));
    } catch (IOException | RuntimeException e) {
      removeLeftover(real.root());
      throw e;
    }
  }

  /** Removes what a daemon that was killed left of one. */
  static void removeLeftover(Path root) throws SyscallException {
    Directories.removeTree(Fd.CWD, BytePath.of(folder(root)));
  }

  private static Path folder(Path root) {
    return root.resolve("warm-up");
  }

  private static DaemonConfig config(Path folder, DaemonConfig real) throws IOException {
    var flags =
        List.of(
            "--config=" + Files.createFile(folder.resolve("buildkitd.toml")),
            "--root=" + folder.resolve("root"),
            "--oci-worker-binary=" + real.worker().binary(),
            "--oci-worker-snapshotter=native",
            "--oci-worker-net=none",
            "--oci-worker-gc=false");
    if (ConfigReader.read(flags, Version.line(), _ -> -1)
        instanceof ConfigReader.Request.Start(DaemonConfig own)) {
      return own;
    }
    throw new ConfigException("flags for a start do not start: " + flags);
  }

  @Override
  public void build() {
    int code =
        KilnCommand.run(
            "build", context.toString(), "--addr", "unix://" + socket, "--progress", "quiet");
    if (code != 0) {
      throw new IllegalStateException("a rehearsed build ended with " + code);
    }
  }

  @Override
  public void close() throws IOException {
    daemon.close();
    Directories.removeTree(Fd.CWD, BytePath.of(folder));
  }
}
