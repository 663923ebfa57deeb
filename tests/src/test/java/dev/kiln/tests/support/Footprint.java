package dev.kiln.tests.support;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a daemon holds at one moment. Counts are exact; the heap is what a full collection leaves.
 *
 * @param descriptors open files, sockets and pipes
 * @param threads of the operating system
 * @param mounts below the daemon's folder
 * @param containers of which runc or the executor keeps anything
 * @param cgroups of containers
 * @param processes that the daemon has started
 * @param leases open ones
 * @param ingests blobs that are being written
 */
public record Footprint(
    int descriptors,
    int threads,
    int mounts,
    int containers,
    int cgroups,
    int processes,
    int leases,
    int ingests,
    long heapBytes) {
  /** The daemon holds what was pulled lately by two. */
  private static final int OWN_LEASES = 2;

  private static final Pattern LEASES = Pattern.compile("\"kiln_leases_open\": (\\d+)");
  private static final Pattern HEAP = Pattern.compile("used (\\d+)K");

  /** Measures; {@code debugPort} is the daemon's {@code --debugaddr}. Collects garbage first. */
  public static Footprint of(Distribution daemon, int debugPort)
      throws IOException, InterruptedException {
    long pid = daemon.pid();
    jcmd(pid, "GC.run");
    long heap =
        HEAP.matcher(jcmd(pid, "GC.heap_info"))
            .results()
            .mapToLong(used -> Long.parseLong(used.group(1)) << 10)
            .sum();
    return new Footprint(
        count(Path.of("/proc/" + pid + "/fd")),
        count(Path.of("/proc/" + pid + "/task")),
        daemon.mounts().size(),
        containers(daemon.state()),
        daemon.cgroups().size(),
        (int) ProcessHandle.of(pid).stream().flatMap(ProcessHandle::descendants).count(),
        leases(debugPort),
        kept(daemon.state(), "content/ingest"),
        heap);
  }

  /** Whether nothing is left of any step; what a daemon holds for itself does not count. */
  public boolean isIdle() {
    return mounts == 0
        && containers == 0
        && cgroups == 0
        && processes == 0
        && leases == OWN_LEASES
        && ingests == 0;
  }

  /** The same with what the heap held at a quieter moment. */
  public Footprint withHeap(long bytes) {
    return new Footprint(
        descriptors, threads, mounts, containers, cgroups, processes, leases, ingests, bytes);
  }

  private static int count(Path folder) throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return (int) all.count();
    }
  }

  /** Bundles and runc's own records of containers that are there. */
  public static int containers(Path root) throws IOException {
    return kept(root, "executor/bundles", "executor/runc");
  }

  private static int kept(Path root, String... kinds) throws IOException {
    int all = 0;
    try (Stream<Path> workers = Files.list(root)) {
      for (Path worker : workers.filter(p -> name(p).startsWith("runc-")).toList()) {
        for (String kind : kinds) {
          Path kept = worker.resolve(kind);
          all += Files.exists(kept) ? count(kept) : 0;
        }
      }
    }
    return all;
  }

  private static String name(Path path) {
    return String.valueOf(path.getFileName());
  }

  private static int leases(int port) throws IOException, InterruptedException {
    try (HttpClient client = HttpClient.newHttpClient()) {
      String text =
          client
              .send(
                  HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/debug/vars"))
                      .build(),
                  HttpResponse.BodyHandlers.ofString())
              .body();
      Matcher leases = LEASES.matcher(text);
      if (!leases.find()) {
        throw new IOException("no leases in " + text);
      }
      return Integer.parseInt(leases.group(1));
    }
  }

  private static String jcmd(long pid, String command) throws IOException, InterruptedException {
    Process jcmd =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                String.valueOf(pid),
                command)
            .redirectErrorStream(true)
            .start();
    String out = new String(jcmd.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (jcmd.waitFor() != 0) {
      throw new IOException("jcmd " + command + ": " + out);
    }
    return out;
  }
}
