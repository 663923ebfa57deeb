package dev.kiln.exec.cni;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.kiln.model.BuildException;
import dev.kiln.model.Json;
import dev.kiln.model.Kind;
import dev.kiln.sys.SearchPath;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Puts namespaces through plugins: one process a plugin and command, told by its environment and
 * its input, answering on its output; what it says on stderr goes to the daemon's. Any platform
 * thread; an interrupt does not end a plugin, for what it had begun would be left.
 *
 * @param folders where the plugins' programs are
 */
record Plugins(List<Path> folders) {
  private static final int MOST_ANSWERED = 1 << 20;

  Plugins {
    folders = List.copyOf(folders);
  }

  /**
   * One namespace in one network.
   *
   * @param id of the container, by which plugins know what they made for it
   * @param namespace its file; absent where it is gone, and plugins can only give back the rest
   * @param args {@code K=V;K=V}, for plugins that know them
   */
  record Attachment(String id, Optional<Path> namespace, String interfaceName, String args) {}

  /** Runs the plugins in order; what the last one answers. */
  JsonNode add(PluginList list, Attachment attachment) {
    Optional<JsonNode> result = Optional.empty();
    for (int i = 0; i < list.plugins().size(); i++) {
      result = Optional.of(call("ADD", list, i, attachment, result));
    }
    return result.orElseThrow();
  }

  /**
   * Runs the plugins in reverse order, all of them even where one fails.
   *
   * @param added what {@link #add} had answered; absent where it did not come to that
   */
  void delete(PluginList list, Attachment attachment, Optional<JsonNode> added) {
    Optional<BuildException> failure = Optional.empty();
    for (int i = list.plugins().size() - 1; i >= 0; i--) {
      try {
        call("DEL", list, i, attachment, added);
      } catch (BuildException e) {
        failure.ifPresent(e::addSuppressed);
        failure = Optional.of(e);
      }
    }
    if (failure.isPresent()) {
      throw failure.get();
    }
  }

  private JsonNode call(
      String command, PluginList list, int index, Attachment to, Optional<JsonNode> previous) {
    String type = list.plugins().get(index).path("type").asText();
    String about = "CNI plugin " + type + ", " + command + " to network " + list.name();
    var builder = new ProcessBuilder(find(type).toString()).redirectError(Redirect.INHERIT);
    var environment = builder.environment();
    environment.put("CNI_COMMAND", command);
    environment.put("CNI_CONTAINERID", to.id());
    environment.put("CNI_NETNS", to.namespace().map(Path::toString).orElse(""));
    environment.put("CNI_IFNAME", to.interfaceName());
    environment.put("CNI_ARGS", to.args());
    environment.put(
        "CNI_PATH", folders.stream().map(Path::toString).collect(Collectors.joining(":")));
    try {
      Process plugin = builder.start();
      try (OutputStream input = plugin.getOutputStream()) {
        input.write(list.input(index, previous));
      } catch (IOException e) {
        // it has ended without reading: its answer says why
      }
      String answer =
          new String(plugin.getInputStream().readNBytes(MOST_ANSWERED + 1), StandardCharsets.UTF_8)
              .strip();
      if (answer.length() > MOST_ANSWERED) {
        plugin.destroyForcibly();
        throw new BuildException(
            Kind.UNKNOWN, about + ": the answer has more than " + MOST_ANSWERED + " characters");
      }
      int code = exitCode(plugin);
      if (code != 0) {
        throw new BuildException(Kind.UNKNOWN, about + ": " + reason(code, answer));
      }
      return Json.parse(answer);
    } catch (Json.Malformed e) {
      throw new BuildException(Kind.UNKNOWN, about + ": the answer is not JSON", e);
    } catch (IOException e) {
      throw new BuildException(Kind.UNKNOWN, about + ": " + e.getMessage(), e);
    }
  }

  /**
   * Makes sure that the programs of a network are there, before a step needs it.
   *
   * @throws BuildException naming one that is not, and the way out
   */
  void check(PluginList list) {
    list.plugins().forEach(plugin -> find(plugin.path("type").asText()));
  }

  Path find(String type) {
    return new SearchPath(folders)
        .find(type)
        .orElseThrow(() ->
            new BuildException(
                Kind.NOT_FOUND,
                "CNI plugin "
                    + type
                    + " is not in "
                    + folders.stream().map(Path::toString).collect(Collectors.joining(", "))
                    + ": install the standard plugins (Debian: containernetworking-plugins, in"
                    + " /usr/lib/cni) and name their folder by worker.oci.cniBinaryPath or"
                    + " --oci-cni-binary-dir"));
  }

  /** Plugins tell errors on stdout: {@code code}, {@code msg}, {@code details}. */
  private static String reason(int exitCode, String answer) {
    JsonNode error = Json.find(answer).orElseGet(MissingNode::getInstance);
    if (error.hasNonNull("msg")) {
      String details = error.path("details").asText();
      return error.path("msg").asText()
          + (details.isEmpty() ? "" : ": " + details)
          + " (code "
          + error.path("code").asInt()
          + ")";
    }
    return "it ended with " + exitCode + (answer.isEmpty() ? " and no answer" : ": " + answer);
  }

  private static int exitCode(Process plugin) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return plugin.waitFor();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
