package dev.kiln.sources.git;

import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.model.StepProgress;
import dev.kiln.tracing.Blocking;
import dev.kiln.tracing.Redaction;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * Runs git for one source: apart from anybody's configuration, without a terminal, with secrets in
 * its environment only (a command line can be read by all). What it prints goes to the vertex's log
 * with URLs masked. Immutable; blocks, so it belongs on a platform thread.
 */
final class GitCommand {
  private static final List<String> PROXIES =
      List.of(
          "HTTP_PROXY",
          "HTTPS_PROXY",
          "NO_PROXY",
          "ALL_PROXY",
          "http_proxy",
          "https_proxy",
          "no_proxy",
          "all_proxy");
  private static final int KILL_AFTER_SECONDS = 10;

  /** Characters of what git prints that are kept: some ten thousand refs. */
  private static final int OUTPUT_LIMIT = 2 << 20;

  /** Characters; a longer line is shown in pieces. */
  private static final int LINE_LIMIT = 64 << 10;

  private final StepProgress progress;
  private final Optional<Path> gitDir;
  private final Optional<Path> workTree;
  private final Map<String, String> config;
  private final Map<String, String> environment;

  /**
   * @param config git configuration that is not on disk, secrets too
   * @param environment further variables
   */
  GitCommand(
      StepProgress progress,
      Optional<Path> gitDir,
      Optional<Path> workTree,
      Map<String, String> config,
      Map<String, String> environment) {
    this.progress = progress;
    this.gitDir = gitDir;
    this.workTree = workTree;
    this.config = Map.copyOf(config);
    this.environment = Map.copyOf(environment);
  }

  GitCommand in(Path newGitDir, Path newWorkTree) {
    return new GitCommand(
        progress, Optional.of(newGitDir), Optional.of(newWorkTree), config, environment);
  }

  /** The same for another repository, without what is configured for the remote. */
  GitCommand plainIn(Path newGitDir, Path newWorkTree) {
    return new GitCommand(
        progress, Optional.of(newGitDir), Optional.of(newWorkTree), Map.of(), environment);
  }

  /** The same with what opens the remote, but not with its address: others are cloned too. */
  GitCommand withoutRemote() {
    var others = new HashMap<>(config);
    others.keySet().removeIf(key -> key.startsWith("remote."));
    return new GitCommand(progress, gitDir, workTree, others, environment);
  }

  /** What a run came to. */
  record Output(int exitCode, String stdout, String stderr) {
    boolean ok() {
      return exitCode == 0;
    }
  }

  /**
   * Its standard output.
   *
   * @throws BuildException {@code UNKNOWN} with git's own words where it fails
   */
  String run(String... args) throws IOException, InterruptedException {
    List<String> now = List.of(args);
    while (true) {
      Output output = attempt(now);
      if (output.ok()) {
        return output.stdout();
      }
      Optional<List<String>> weaker = weaker(now, output.stderr());
      if (weaker.isEmpty()) {
        throw new BuildException(
            Kind.UNKNOWN,
            "git stderr:\n" + Redaction.of(output.stderr()) + ": exit status " + output.exitCode());
      }
      now = weaker.get();
    }
  }

  /** Old servers know no shallow fetch, strict ones give no commit that is not a ref's. */
  private static Optional<List<String>> weaker(List<String> args, String stderr) {
    var fewer = new ArrayList<>(args);
    if ((stderr.contains("--depth") || stderr.contains("shallow")) && fewer.remove("--depth=1")) {
      return Optional.of(fewer);
    }
    boolean refused = stderr.contains("not our ref") || stderr.contains("unadvertised object");
    if (refused
        && fewer.size() > 2
        && fewer.getFirst().equals("fetch")
        && GitUrl.isCommit(fewer.getLast())) {
      fewer.removeLast();
      return Optional.of(fewer);
    }
    return Optional.empty();
  }

  Output attempt(List<String> args) throws IOException, InterruptedException {
    var command = new ArrayList<String>();
    // The daemon's own mask must not decide about the modes of checked out files.
    command.addAll(List.of("/bin/sh", "-c", "umask 0022; exec \"$0\" \"$@\"", "git"));
    // A repository must not reach this machine's files through a submodule.
    command.addAll(List.of("-c", "protocol.file.allow=user"));
    workTree.ifPresent(dir -> command.addAll(List.of("--work-tree", dir.toString())));
    gitDir.ifPresent(dir -> command.addAll(List.of("--git-dir", dir.toString())));
    command.addAll(args);
    var builder = new ProcessBuilder(command);
    builder.directory(workTree.or(() -> gitDir).orElse(Path.of("/")).toFile());
    builder.redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
    setEnvironment(builder.environment());
    Process process = builder.start();
    try {
      var out = Blocking.onPlatform("git-stdout", () -> drain(process.getInputStream(), 1));
      var err = Blocking.onPlatform("git-stderr", () -> drain(process.getErrorStream(), 2));
      int code = process.waitFor();
      return new Output(
          code, out.done().toCompletableFuture().get(), err.done().toCompletableFuture().get());
    } catch (ExecutionException e) {
      throw BuildException.of(e);
    } finally {
      end(process);
    }
  }

  private void setEnvironment(Map<String, String> to) {
    Map<String, String> own = Map.copyOf(to);
    to.clear();
    to.put(
        "PATH",
        own.getOrDefault("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
    to.put("GIT_TERMINAL_PROMPT", "0");
    to.put("GIT_CONFIG_NOSYSTEM", "1");
    to.put("GIT_CONFIG_GLOBAL", "/dev/null");
    to.put("HOME", "/dev/null");
    to.put("LC_ALL", "C");
    PROXIES.forEach(name -> {
      if (own.containsKey(name)) {
        to.put(name, own.getOrDefault(name, ""));
      }
    });
    to.putAll(environment);
    var all = new TreeMap<>(config);
    all.put("core.hooksPath", "/dev/null"); // whatever a repository gets written there, run nothing
    int n = 0;
    for (Map.Entry<String, String> e : all.entrySet()) {
      to.put("GIT_CONFIG_KEY_" + n, e.getKey());
      to.put("GIT_CONFIG_VALUE_" + n, e.getValue());
      n++;
    }
    to.put("GIT_CONFIG_COUNT", Integer.toString(n));
  }

  /**
   * Reads to the end and shows whole lines, so that no mask is cut in two. Servers choose what git
   * prints: of too much, the end is returned.
   */
  private String drain(InputStream in, int stream) throws IOException {
    var kept = new StringBuilder();
    var line = new StringBuilder();
    try (var reader = new java.io.InputStreamReader(in, StandardCharsets.UTF_8)) {
      char[] buffer = new char[8192];
      for (int n = reader.read(buffer); n >= 0; n = reader.read(buffer)) {
        kept.append(buffer, 0, n);
        if (kept.length() > OUTPUT_LIMIT) {
          kept.delete(0, kept.length() - OUTPUT_LIMIT / 2);
        }
        line.append(buffer, 0, n);
        int whole = line.length() > LINE_LIMIT ? line.length() : line.lastIndexOf("\n") + 1;
        show(line.substring(0, whole), stream);
        line.delete(0, whole);
      }
      show(line.toString(), stream);
    }
    return kept.toString();
  }

  private void show(String text, int stream) {
    if (text.isEmpty()) {
      return;
    }
    progress.log(stream, Redaction.of(text).getBytes(StandardCharsets.UTF_8));
  }

  /** Git's helpers do not end with it by themselves. */
  private static void end(Process process) throws InterruptedException {
    if (!process.isAlive()) {
      return;
    }
    List<ProcessHandle> helpers = process.descendants().toList();
    process.destroy();
    helpers.forEach(ProcessHandle::destroy);
    if (!endsSoon(process)) {
      process.destroyForcibly();
      helpers.forEach(ProcessHandle::destroyForcibly);
    }
  }

  private static boolean endsSoon(Process process) {
    // The interrupt that brought us here is on its way up as an exception.
    boolean interrupted = Thread.interrupted();
    try {
      return process.waitFor(KILL_AFTER_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      interrupted = true;
      return false;
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
