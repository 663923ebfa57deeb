package dev.kiln.sources.git;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.kiln.tracing.Blocking;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Repositories below a folder over smart HTTP, by git's own CGI program. */
final class GitServer implements AutoCloseable {
  private final HttpServer server;
  private final Path root;
  final List<String> authorizations = new ArrayList<>();
  volatile String required = "";

  GitServer(Path root) throws IOException {
    this.root = root;
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(task ->
        Blocking.start(
            "git-server",
            () -> {
              task.run();
              return null;
            }));
    server.createContext("/", this::handle);
    server.start();
  }

  /** Host, port and repository, without a scheme. */
  String url(String repository) {
    return "localhost:" + server.getAddress().getPort() + "/" + repository;
  }

  /** Runs git in a repository of the server, as a fixed author at a fixed time. */
  static String git(Path dir, String... args) throws IOException, InterruptedException {
    var command = new ArrayList<String>(List.of("git", "-c", "init.defaultBranch=main"));
    command.addAll(List.of(args));
    var builder = new ProcessBuilder(command).directory(dir.toFile()).redirectErrorStream(true);
    builder
        .environment()
        .putAll(
            Map.of(
                "GIT_AUTHOR_NAME",
                "a",
                "GIT_AUTHOR_EMAIL",
                "a@b",
                "GIT_COMMITTER_NAME",
                "a",
                "GIT_COMMITTER_EMAIL",
                "a@b",
                "GIT_AUTHOR_DATE",
                "2020-01-01T00:00:00Z",
                "GIT_COMMITTER_DATE",
                "2020-01-01T00:00:00Z",
                "HOME",
                "/dev/null"));
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException(output);
    }
    return output.strip();
  }

  Path create(String repository) throws IOException, InterruptedException {
    Path dir = Files.createDirectories(root.resolve(repository));
    git(dir, "init", "-q");
    git(dir, "config", "http.receivepack", "true");
    git(dir, "config", "uploadpack.allowAnySHA1InWant", "false");
    return dir;
  }

  private void handle(HttpExchange x) throws IOException {
    try (x) {
      String sent = Optional.ofNullable(x.getRequestHeaders().getFirst("Authorization")).orElse("");
      synchronized (authorizations) {
        authorizations.add(sent);
      }
      if (!required.isEmpty() && !required.equals(sent)) {
        x.getResponseHeaders().add("WWW-Authenticate", "Basic realm=\"git\"");
        x.sendResponseHeaders(401, -1);
        return;
      }
      var builder = new ProcessBuilder("git", "http-backend");
      Map<String, String> env = builder.environment();
      env.put("GIT_PROJECT_ROOT", root.toString());
      env.put("GIT_HTTP_EXPORT_ALL", "1");
      env.put("PATH_INFO", x.getRequestURI().getPath().replaceFirst("^/([^/]+)/", "/$1/.git/"));
      env.put("QUERY_STRING", Optional.ofNullable(x.getRequestURI().getRawQuery()).orElse(""));
      env.put("REQUEST_METHOD", x.getRequestMethod());
      put(env, "CONTENT_TYPE", x, "Content-Type");
      put(env, "HTTP_CONTENT_ENCODING", x, "Content-Encoding");
      put(env, "GIT_PROTOCOL", x, "Git-Protocol");
      env.put("HOME", "/dev/null");
      env.put("GIT_CONFIG_COUNT", "1");
      env.put("GIT_CONFIG_KEY_0", "safe.directory");
      env.put("GIT_CONFIG_VALUE_0", "*");
      Process process = builder.start();
      byte[] body = x.getRequestBody().readAllBytes();
      try (var in = process.getOutputStream()) {
        in.write(body);
      }
      answer(x, process.getInputStream());
    }
  }

  private static void put(Map<String, String> env, String name, HttpExchange x, String header) {
    Optional.ofNullable(x.getRequestHeaders().getFirst(header)).ifPresent(v -> env.put(name, v));
  }

  private static void answer(HttpExchange x, InputStream cgi) throws IOException {
    int status = 200;
    for (String line = line(cgi); !line.isEmpty(); line = line(cgi)) {
      String[] header = line.split(": ", 2);
      if (header[0].equals("Status")) {
        status = Integer.parseInt(header[1].substring(0, 3));
      } else {
        x.getResponseHeaders().add(header[0], header[1]);
      }
    }
    x.sendResponseHeaders(status, 0);
    cgi.transferTo(x.getResponseBody());
  }

  private static String line(InputStream in) throws IOException {
    var line = new ByteArrayOutputStream();
    for (int c = in.read(); c >= 0 && c != '\n'; c = in.read()) {
      line.write(c);
    }
    return line.toString(StandardCharsets.UTF_8).strip();
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
