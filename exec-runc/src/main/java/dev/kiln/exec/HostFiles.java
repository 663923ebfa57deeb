package dev.kiln.exec;

import com.google.re2j.Pattern;
import dev.kiln.exec.ContainerSpec.HostEntry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Text of a container's {@code /etc/hosts} and {@code /etc/resolv.conf}. Pure but for reading the
 * host's file. Rules: BuildKit v0.22 {@code executor/oci/hosts.go} and {@code resolvconf.go},
 * Docker v28 {@code libnetwork/internal/resolvconf}.
 */
final class HostFiles {
  private static final Path HOST = Path.of("/etc/resolv.conf");
  private static final Path SYSTEMD = Path.of("/run/systemd/resolve/resolv.conf");
  private static final String SYSTEMD_STUB = "127.0.0.53";
  private static final Pattern BLANKS = Pattern.compile("\\s+");

  /** Where a container finds names if the host offers no server that it could reach. */
  private static final List<String> PUBLIC_SERVERS =
      List.of("8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844");

  private HostFiles() {}

  static String hosts(String hostname, List<HostEntry> extra) {
    var text = new StringBuilder("127.0.0.1\tlocalhost ").append(hostname).append('\n');
    text.append("::1\tlocalhost ip6-localhost ip6-loopback\n");
    for (HostEntry entry : extra) {
      text.append(entry.address()).append('\t').append(entry.host()).append('\n');
    }
    return text.toString();
  }

  /**
   * The host file to start from. With the host's network the stub of systemd-resolved can be
   * reached; without, the servers behind it are taken.
   */
  static Path hostFile(boolean hostNetwork) {
    if (!hostNetwork && Files.isReadable(SYSTEMD)) {
      try {
        List<String> servers = values(Files.readString(HOST), "nameserver");
        if (servers.size() == 1 && servers.getFirst().equals(SYSTEMD_STUB)) {
          return SYSTEMD;
        }
      } catch (IOException e) {
        return HOST; // not there: nothing to be mistaken about
      }
    }
    return HOST;
  }

  /** The host's text; empty where there is none. */
  static String read(Path file) throws IOException {
    return Files.exists(file) ? Files.readString(file, StandardCharsets.UTF_8) : "";
  }

  static String resolvConf(String host, RuncOptions.Dns dns, boolean hostNetwork) {
    List<String> servers = orElse(dns.nameservers(), values(host, "nameserver"));
    List<String> search = orElse(dns.searchDomains(), lastWords(host, "search"));
    List<String> options = orElse(dns.options(), lastWords(host, "options"));
    if (!hostNetwork || servers.isEmpty()) {
      servers = servers.stream().filter(s -> !isLoopback(s)).toList();
      if (servers.isEmpty()) {
        servers = PUBLIC_SERVERS;
      }
    } else if (dns.isEmpty()) {
      return host;
    }
    var text = new StringBuilder();
    servers.forEach(s -> text.append("nameserver ").append(s).append('\n'));
    line(text, "search", search.stream().filter(s -> !s.equals(".")).toList());
    line(text, "options", options);
    return text.toString();
  }

  private static List<String> orElse(List<String> configured, List<String> found) {
    return configured.isEmpty() ? found : configured;
  }

  private static void line(StringBuilder text, String key, List<String> words) {
    if (!words.isEmpty()) {
      text.append(key).append(' ').append(String.join(" ", words)).append('\n');
    }
  }

  private static boolean isLoopback(String address) {
    return address.startsWith("127.") || address.equals("::1");
  }

  private static List<String> values(String text, String key) {
    var found = new ArrayList<String>();
    for (String[] words : entries(text, key)) {
      found.add(words[1]);
    }
    return found;
  }

  private static List<String> lastWords(String text, String key) {
    List<String[]> entries = entries(text, key);
    return entries.isEmpty()
        ? List.of()
        : List.of(entries.getLast()).subList(1, entries.getLast().length);
  }

  private static List<String[]> entries(String text, String key) {
    return text.lines()
        .map(l -> BLANKS.split(l.strip()))
        .filter(w -> w.length > 1 && w[0].equals(key))
        .toList();
  }
}
