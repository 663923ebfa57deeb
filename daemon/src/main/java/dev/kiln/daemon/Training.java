package dev.kiln.daemon;

import dev.kiln.cli.KilnCommand;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;
import sun.misc.Signal;

/**
 * The run from which the distribution's AOT cache is made: a daemon and a client in one process,
 * one small build twice, and a stop. Used by the build only ({@code
 * src/main/assembly/distribution.sh}).
 */
final class Training {
  private static final int TRIES = 3_000;
  private static final long PAUSE_NANOS = 10_000_000;

  private Training() {}

  /**
   * @param args an empty folder to work in
   */
  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    Path socket = folder.resolve("kiln.sock");
    String address = "unix://" + socket;
    Thread.ofPlatform()
        .name("training-daemon")
        .start(() -> {
          try {
            KilnDaemon.main(
                new String[] {"--root", folder.resolve("root").toString(), "--addr", address});
          } catch (Exception e) {
            throw new IllegalStateException("the daemon did not start", e);
          }
        });
    awaitListener(socket);
    Path context = Files.createDirectories(folder.resolve("context"));
    Files.writeString(context.resolve("file"), "training\n");
    Path busybox = Path.of("/bin/busybox");
    boolean runs = Files.isExecutable(busybox);
    if (runs) {
      Files.copy(busybox, context.resolve("busybox"));
    }
    Files.writeString(
        context.resolve("Dockerfile"),
        "FROM scratch AS base\nCOPY . /\nWORKDIR /work\n"
            + (runs ? "RUN [\"/busybox\", \"true\"]\n" : "")
            + "FROM scratch\nCOPY --from=base /file /\n");
    for (int round = 0; round < 2; round++) {
      int code =
          KilnCommand.run(
              "build",
              context.toString(),
              "--addr",
              address,
              "--output",
              "type=local,dest=" + folder.resolve("out"));
      if (code != 0) {
        System.err.println(
            "the training build ended with "
                + code
                + ": the cache will lack what it did not reach");
      }
    }
    Signal.raise(new Signal("TERM"));
  }

  private static void awaitListener(Path socket) throws IOException {
    for (int i = 0; i < TRIES; i++) {
      if (Files.exists(socket)) {
        try (SocketChannel probe = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
          return;
        } catch (IOException notYet) {
          // bound, but not listening yet
        }
      }
      LockSupport.parkNanos(PAUSE_NANOS);
    }
    throw new IOException("the daemon does not listen on " + socket);
  }
}
