package dev.kiln.exec;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Command lines of runc, and what its state directory says. Immutable. */
final class Runc {
  private static final Logger LOG = LoggerFactory.getLogger(Runc.class);
  private static final JsonFactory JSON = new JsonFactory();
  private static final long DELETE_SECONDS = 10;
  private final String executable;
  private final Path state;

  Runc(Path executable, Path state) {
    this.executable = executable.toString();
    this.state = state;
  }

  /** A directory per container, while it exists. */
  Path state() {
    return state;
  }

  /** Errors go to the log file; runc says them on stderr as well, where the user sees them. */
  private List<String> command(String... more) {
    var command = new java.util.ArrayList<>(List.of(executable, "--root", state.toString()));
    command.addAll(List.of(more));
    return command;
  }

  List<String> run(String id, Path bundle, boolean noPivot) {
    List<String> command =
        command("--log", bundle.resolve("runc.log").toString(), "run", "-b", bundle.toString());
    if (noPivot) {
      command.add("--no-pivot");
    }
    command.add(id);
    return command;
  }

  List<String> exec(String id, Path process, Path pidFile) {
    return command(
        "--log",
        process.resolveSibling("runc.log").toString(),
        "exec",
        "--process",
        process.toString(),
        "--pid-file",
        pidFile.toString(),
        id);
  }

  /**
   * Whether the main process has been started: runc waits on a named pipe before it becomes the
   * step's program, and removes the pipe then (libcontainer {@code exec.fifo}).
   */
  boolean isRunning(String id) {
    Path directory = state.resolve(id);
    return Files.exists(directory.resolve("state.json"))
        && !Files.exists(directory.resolve("exec.fifo"));
  }

  /** Ends a container by its first process; without effect while there is none yet. */
  void killInit(String id, long runcPid, Optional<Cgroups.Kept> kept) throws IOException {
    if (kept.isPresent() && isRunning(id)) {
      kept.get().kill();
      return;
    }
    initPid(id).ifPresent(pid -> killIfChild(pid, runcPid));
  }

  /** Ends the process whose number runc has written to {@code pidFile}, if it has. */
  static void killChild(Path pidFile, long runcPid) throws IOException {
    if (Files.exists(pidFile)) {
      killIfChild(Long.parseLong(Files.readString(pidFile).strip()), runcPid);
    }
  }

  /** As runc's child not yet waited for, the number cannot have passed to another process. */
  private static void killIfChild(long pid, long runcPid) {
    ProcessHandle.of(pid)
        .filter(p -> p.parent().map(parent -> parent.pid() == runcPid).orElse(false))
        .ifPresent(ProcessHandle::destroyForcibly);
  }

  private OptionalLong initPid(String id) throws IOException {
    Path file = state.resolve(id).resolve("state.json");
    if (!Files.exists(file)) {
      return OptionalLong.empty();
    }
    try (JsonParser json = JSON.createParser(file.toFile())) {
      for (JsonToken t = json.nextToken(); t != null; t = json.nextToken()) {
        if (t == JsonToken.FIELD_NAME && json.currentName().equals("init_process_pid")) {
          json.nextToken();
          return OptionalLong.of(json.getLongValue());
        }
      }
    }
    return OptionalLong.empty();
  }

  /** Removes what runc itself has not removed, because it was killed. */
  void deleteIfLeft(String id) {
    if (Files.exists(state.resolve(id))) {
      delete(id);
    }
  }

  /** Kills and removes a container of this state directory. */
  void delete(String id) {
    try {
      Process process =
          new ProcessBuilder(command("delete", "--force", id))
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (!process.waitFor(DELETE_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
      Leftovers.removeFlat(state.resolve(id));
    } catch (IOException e) {
      LOG.warn("container {} cannot be removed: {}", id, e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
