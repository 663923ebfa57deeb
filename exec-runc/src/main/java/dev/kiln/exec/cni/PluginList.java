package dev.kiln.exec.cni;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.re2j.Pattern;
import dev.kiln.model.BuildException;
import dev.kiln.model.Json;
import dev.kiln.model.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A network's configuration: the plugins that a namespace is put through, in the order of ADD. Its
 * nodes are read only.
 *
 * @param version of CNI that the plugins are spoken to in; empty where the configuration says none
 * @param plugins each with a {@code type}, the name of its program
 */
record PluginList(String name, String version, List<JsonNode> plugins) {
  private static final ObjectMapper JSON = new ObjectMapper();

  PluginList {
    plugins = List.copyOf(plugins);
  }

  /** Programs of the standard plugins, which may be installed under names of their own. */
  record Programs(String bridge, String loopback, String hostLocal, String firewall) {
    static final Programs STANDARD = new Programs("bridge", "loopback", "host-local", "firewall");

    List<String> all() {
      return List.of(bridge, loopback, hostLocal, firewall);
    }
  }

  /**
   * Reads a list of plugins, or one plugin's configuration as a list of one.
   *
   * @param from names the text in errors
   */
  static PluginList parse(String text, String from) {
    JsonNode json;
    try {
      json = Json.parse(text);
    } catch (Json.Malformed e) {
      throw invalid(from, "it is not JSON: " + e.getMessage());
    }
    var plugins = new ArrayList<JsonNode>();
    json.path("plugins").forEach(plugins::add);
    if (!json.has("plugins")) {
      plugins.add(json);
    }
    if (json.path("name").asText().isEmpty()) {
      throw invalid(from, "it has no \"name\"");
    }
    if (plugins.isEmpty()
        || plugins.stream().anyMatch(p -> !Pattern.matches("[^/]+", p.path("type").asText()))) {
      throw invalid(from, "every plugin needs a \"type\", the name of its program");
    }
    return new PluginList(json.path("name").asText(), json.path("cniVersion").asText(), plugins);
  }

  private static BuildException invalid(String from, String why) {
    return new BuildException(Kind.INVALID, "invalid CNI configuration " + from + ": " + why);
  }

  static PluginList loopback() {
    return new PluginList("cni-loopback", "0.3.1", List.of(plugin("loopback")));
  }

  /**
   * The network of {@code networkMode = "bridge"}: a bridge that the host masquerades, where
   * neighbours of other bridges stay out. Values: BuildKit v0.22, {@code
   * util/network/cniprovider/bridge.go}.
   */
  static PluginList bridge(String bridge, String subnet, Programs programs) {
    ObjectNode net =
        plugin(programs.bridge())
            .put("bridge", bridge)
            .put("isDefaultGateway", true)
            .put("ipMasq", true);
    net.putObject("ipam")
        .put("type", programs.hostLocal())
        .putArray("ranges")
        .addArray()
        .addObject()
        .put("subnet", subnet);
    ObjectNode firewall = plugin(programs.firewall()).put("ingressPolicy", "same-bridge");
    return new PluginList("buildkit", "1.0.0", List.of(plugin(programs.loopback()), net, firewall));
  }

  private static ObjectNode plugin(String type) {
    return JSON.createObjectNode().put("type", type);
  }

  /** What the plugin of this index reads: its part, with what all share and what came before. */
  byte[] input(int index, Optional<JsonNode> previous) {
    ObjectNode input = plugins.get(index).deepCopy();
    input.put("name", name);
    if (!version.isEmpty()) {
      input.put("cniVersion", version);
    }
    previous.ifPresent(result -> input.set("prevResult", result));
    try {
      return JSON.writeValueAsBytes(input);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree that was read cannot be written", e);
    }
  }
}
