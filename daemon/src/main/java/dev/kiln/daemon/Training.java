package dev.kiln.daemon;

import dev.kiln.cli.KilnCommand;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import sun.misc.Signal;

/**
 * The run from which the distribution's AOT cache is made: a daemon and a client in one process, an
 * image, a build on it from a registry, the same from the cache, and a stop. Used by the build only ({@code
 * src/main/assembly/distribution.sh}).
 */
final class Training {
  /** Builds of the kind that comes most often, all cached: what is hot then, is compiled early. */
  private static final int ROUNDS = 20;

  private static final int STEPS = 5;

  /** Named in code that every start runs, but made only when something fails. */
  private static final List<String> LINKED =
      List.of(
          "picocli.CommandLine$PicocliException",
          "picocli.CommandLine$ParameterException",
          "java.security.cert.Certificate",
          "java.security.cert.X509Certificate");

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
    for (String name : LINKED) {
      Class.forName(name);
    }
    Path base = Files.createDirectories(folder.resolve("base"));
    Files.writeString(base.resolve("file"), "training\n");
    Path busybox = Path.of("/bin/busybox");
    boolean runs = Files.isExecutable(busybox);
    if (runs) {
      Files.copy(busybox, base.resolve("busybox"));
    }
    Files.writeString(base.resolve("Dockerfile"), "FROM scratch\nCOPY . /\nWORKDIR /work\n");
    Path archive = folder.resolve("base.tar");
    build(base, address, "type=oci,dest=" + archive);
    Path context = Files.createDirectories(folder.resolve("context"));
    Files.writeString(context.resolve("other"), "training\n");
    try (var registry = new TrainingRegistry(archive)) {
      Files.writeString(
          context.resolve("Dockerfile"),
          "FROM "
              + registry.image()
              + " AS base\n"
              + (runs ? "RUN [\"/busybox\", \"true\"]\n".repeat(STEPS) : "")
              + "COPY other /other\nFROM scratch\nCOPY --from=base /file /\n");
      build(context, address, "type=local,dest=" + folder.resolve("out"));
      for (int round = 0; round < ROUNDS; round++) {
        build(context, address, "type=tar,dest=" + folder.resolve("out.tar"));
      }
    }
    Signal.raise(new Signal("TERM"));
  }

  private static void build(Path context, String address, String output) {
    int code =
        KilnCommand.run("build", context.toString(), "--addr", address, "--output", output);
    if (code != 0) {
      System.err.println(
          "a training build ended with " + code + ": the cache will lack what it did not reach");
    }
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
