package dev.kiln.dockerfile.convert;

import com.google.re2j.Pattern;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Ports as {@code EXPOSE} takes them: {@code [[ip:]host:]port[-last][/tcp|udp|sctp]}; only the
 * container's side counts (docker/go-connections {@code nat}). Pure.
 */
final class PortSpecs {
  private static final Set<String> PROTOCOLS = Set.of("tcp", "udp", "sctp");
  private static final int HIGHEST = 65535;

  private PortSpecs() {}

  /**
   * Each port by itself, as {@code 80/tcp}.
   *
   * @throws BuildException {@code INVALID}, naming the spec
   */
  static SortedSet<String> parse(List<String> specs) {
    var ports = new TreeSet<String>();
    specs.forEach(spec -> add(spec, ports));
    return ports;
  }

  private static void add(String spec, SortedSet<String> ports) {
    int colon = spec.lastIndexOf(':');
    String container = spec.substring(colon + 1);
    int slash = container.indexOf('/');
    String number = slash < 0 ? container : container.substring(0, slash);
    String protocol = slash < 0 ? "" : container.substring(slash + 1).split("/", -1)[0];
    protocol = protocol.isEmpty() ? "tcp" : protocol.toLowerCase(Locale.ROOT);
    if (number.isEmpty()) {
      throw invalid("no port specified: " + spec + "<empty>");
    }
    int[] range = range(number, "invalid containerPort: " + number);
    if (colon > 0) {
      checkHost(spec.substring(0, colon), range);
    }
    if (!PROTOCOLS.contains(protocol)) {
      throw invalid("invalid proto: " + protocol);
    }
    for (int port = range[0]; port <= range[1]; port++) {
      ports.add(port + "/" + protocol);
    }
  }

  private static void checkHost(String host, int[] container) {
    String port = host.substring(host.lastIndexOf(':') + 1);
    if (port.isEmpty()) {
      return;
    }
    int[] range = range(port, "invalid hostPort: " + port);
    boolean several = container[1] != container[0];
    if (several && range[1] - range[0] != container[1] - container[0]) {
      throw invalid(
          "invalid ranges specified for container and host Ports: "
              + container[0]
              + "-"
              + container[1]
              + " and "
              + port);
    }
  }

  private static int[] range(String text, String message) {
    String[] parts = text.split("-", -1);
    int first = number(parts[0], message);
    int last = parts.length == 1 ? first : number(parts[1], message);
    if (last < first) {
      throw invalid(message);
    }
    return new int[] {first, last};
  }

  private static int number(String text, String message) {
    if (!Pattern.matches("[0-9]{1,9}", text) || Integer.parseInt(text) > HIGHEST) {
      throw invalid(message);
    }
    return Integer.parseInt(text);
  }

  private static BuildException invalid(String message) {
    return new BuildException(Kind.INVALID, message);
  }
}
