package dev.kiln.registry.real;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Distribution's own server on the loopback, where it is installed; the test is skipped where it is
 * not. Who starts it closes it.
 */
public final class DockerRegistry implements AutoCloseable {
  /** The line that htpasswd makes of the name "user" and the password "word". */
  private static final String USER =
      "user:$2y$05$AcjISK5Tsuse0fAIc8Eh7ePz.JPe5Oakt5TrIgXo1JVtu/E09v16y\n";

  private final Process process;
  private final String host;

  private DockerRegistry(Process process, String host) {
    this.process = process;
    this.host = host;
  }

  /** Open to everybody; {@code folder} holds its content, also from an earlier run. */
  public static DockerRegistry open(Path folder) throws IOException {
    return start(folder, "");
  }

  /** Behind HTTP Basic: user, word. */
  public static DockerRegistry withPassword(Path folder) throws IOException {
    Path users = Files.writeString(folder.resolve("users"), USER);
    return start(
        folder,
        """
        auth:
          htpasswd:
            realm: test
            path: %s
        """
            .formatted(users));
  }

  /** Behind tokens of {@code tokens}. */
  public static DockerRegistry withTokens(Path folder, TokenIssuer tokens) throws IOException {
    Path certificate = Files.writeString(folder.resolve("tokens.pem"), tokens.certificate());
    return start(
        folder,
        """
        auth:
          token:
            realm: http://%s/token
            service: %s
            issuer: %s
            rootcertbundle: %s
        """
            .formatted(tokens.host(), TokenIssuer.SERVICE, TokenIssuer.ISSUER, certificate));
  }

  private static DockerRegistry start(Path folder, String auth) throws IOException {
    Optional<Path> program =
        Arrays.stream(System.getenv("PATH").split(":"))
            .flatMap(dir ->
                List.of("docker-registry", "registry").stream().map(name -> Path.of(dir, name)))
            .filter(Files::isExecutable)
            .findFirst();
    assumeTrue(program.isPresent(), "no registry is installed");
    String host;
    try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      host = "127.0.0.1:" + free.getLocalPort();
    }
    Path config = folder.resolve("config.yml");
    Files.writeString(
        config,
        """
        version: 0.1
        storage:
          filesystem:
            rootdirectory: %s
        http:
          addr: %s
        %s\
        """
            .formatted(folder.resolve("data"), host, auth));
    Process process =
        new ProcessBuilder(program.orElseThrow().toString(), "serve", config.toString())
            .redirectErrorStream(true)
            .start();
    var output =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    var said = new StringBuilder();
    String line = output.readLine();
    while (line != null && !line.contains("listening on")) {
      said.append(line).append('\n');
      line = output.readLine();
    }
    assertThat(line).as("the registry listens: %s", said).isNotNull();
    Thread.ofVirtual().start(() -> output.lines().forEach(_ -> {})); // its log must not fill up
    return new DockerRegistry(process, host);
  }

  public String host() {
    return host;
  }

  @Override
  public void close() {
    process.destroy();
    try {
      assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
