package dev.kiln.daemon;

import dev.kiln.cli.UnwatchedBuild;
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
import java.util.Optional;

/**
 * A daemon within the daemon, for builds that nobody wants: on a folder and a socket of its own,
 * which are thrown away with it. It runs no step, mounts nothing, asks no network and exports no
 * span, so that whatever ends the process leaves files at most. One thread.
 */
final class Rehearsal implements WarmUp.Builds {
  /** As many as a usual Dockerfile has: what is done for each step is warm the sooner. */
  private static final int STEPS = 8;

  private final Path folder;
  private final Path context;
  private final Path socket;
  private final Wiring daemon;

  /** Makes the folder's contents and starts the daemon, which does not listen yet. */
  private Rehearsal(Path folder, DaemonConfig config) throws IOException {
    this.folder = folder;
    socket = folder.resolve("sock");
    context = Files.createDirectory(folder.resolve("context"));
    Files.writeString(context.resolve("file"), "rehearsal\n");
    Files.writeString(
        context.resolve("Dockerfile"),
        "FROM scratch AS base\n"
            + "COPY file /file\n".repeat(STEPS)
            + "FROM scratch\nCOPY --from=base /file /copy\n");
    daemon = Wiring.start(config, Role.REHEARSAL, Optional.empty());
  }

  /**
   * Starts one.
   *
   * @param real the configuration of the daemon around it
   */
  static Rehearsal open(DaemonConfig real) throws IOException {
    Path folder = folder(real.root());
    Folders.makeState(folder);
    try {
      var rehearsal = new Rehearsal(folder, config(folder.resolve("root"), real));
      try {
        rehearsal.listen();
        return rehearsal;
      } catch (IOException | RuntimeException e) {
        rehearsal.daemon.close();
        throw e;
      }
    } catch (IOException | RuntimeException e) {
      remove(folder);
      throw e;
    }
  }

  private void listen() throws IOException {
    ServerSocketChannel bound = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      bound.bind(UnixDomainSocketAddress.of(socket));
      daemon.server().listen(bound, Optional.empty());
    } catch (IOException | RuntimeException e) {
      bound.close();
      throw e;
    }
  }

  /**
   * Removes what a daemon that was killed left of one.
   *
   * @param root of that daemon
   */
  static void removeLeftover(Path root) throws SyscallException {
    remove(folder(root));
  }

  private static void remove(Path folder) throws SyscallException {
    Directories.removeTree(Fd.CWD, BytePath.of(folder));
  }

  private static Path folder(Path root) {
    return root.resolve("warm-up");
  }

  private static DaemonConfig config(Path root, DaemonConfig real) {
    var flags =
        List.of(
            "--config=/dev/null",
            "--root=" + root,
            "--cdi-disabled",
            "--oci-worker-binary=" + real.worker().binary(),
            "--oci-worker-snapshotter=native",
            "--oci-worker-net=none",
            "--oci-worker-gc=false");
    if (ConfigReader.read(flags, Version.line(), _ -> -1)
        instanceof ConfigReader.Request.Start(DaemonConfig own, var _)) {
      return own;
    }
    throw new ConfigException("flags for a start do not start: " + flags);
  }

  @Override
  public void build() throws IOException, InterruptedException {
    UnwatchedBuild.run("unix://" + socket, context);
  }

  @Override
  public void close() throws IOException {
    try {
      daemon.close();
    } finally {
      remove(folder);
    }
  }
}
