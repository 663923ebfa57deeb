package dev.kiln.tests.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kiln.registry.real.DockerRegistry;
import dev.kiln.registry.real.TokenIssuer;
import dev.kiln.tests.support.Buildctl;
import dev.kiln.tests.support.Distribution;
import dev.kiln.tests.support.Distribution.Run;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Pulls, pushes, caches, mirrors and mounts of a whole daemon against distribution's own server,
 * with each sort of credentials that clients have.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RegistryAccessTest {
  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  static Path dir;

  private TokenIssuer tokens;
  private DockerRegistry open;
  private DockerRegistry basic;
  private DockerRegistry bearer;
  private Distribution daemon;

  /** Whom docker's login notes beside a refresh token. */
  private static final String NOBODY = "00000000-0000-0000-0000-000000000000:";

  /** What the client has, and whether it is right. */
  private enum Client {
    OPEN("", true),
    BASIC(auth("user:word"), true),
    TOKEN(auth("user:word"), true),
    ACCESS_TOKEN(auth("user:word"), true),
    REFRESH_TOKEN(
        "\"auth\": \"%s\", \"identitytoken\": \"offline\"".formatted(encoded(NOBODY)), true),
    BASIC_NOTHING("", false),
    BASIC_WRONG(auth("user:hunter2"), false),
    TOKEN_NOTHING("", false),
    TOKEN_WRONG(auth("user:hunter2"), false);

    final String entry;
    final boolean right;

    Client(String entry, boolean right) {
      this.entry = entry;
      this.right = right;
    }

    private static String encoded(String text) {
      return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String auth(String pair) {
      return "\"auth\": \"" + encoded(pair) + "\"";
    }
  }

  @BeforeAll
  void start() throws Exception {
    tokens = TokenIssuer.start(dir);
    open = DockerRegistry.open(Files.createDirectory(dir.resolve("open")));
    basic = DockerRegistry.withPassword(Files.createDirectory(dir.resolve("basic")));
    bearer = DockerRegistry.withTokens(Files.createDirectory(dir.resolve("bearer")), tokens);
    var toml = new StringBuilder();
    for (DockerRegistry each : List.of(open, basic, bearer)) {
      // The first one has nothing there, or refuses who has no credentials for it.
      toml.append("[registry.\"%s\"]\n".formatted(mirrored(each)))
          .append("  mirrors = [\"%s/nobody\", \"%s\"]\n".formatted(basic.host(), each.host()));
    }
    Files.writeString(dir.resolve("worker.toml"), toml);
    daemon = Distribution.start(dir);
  }

  @AfterAll
  void stop() throws Exception {
    for (AutoCloseable each : new AutoCloseable[] {daemon, tokens, open, basic, bearer}) {
      if (each != null) {
        each.close();
      }
    }
  }

  private DockerRegistry registry(Client client) {
    return switch (client) {
      case OPEN -> open;
      case BASIC, BASIC_NOTHING, BASIC_WRONG -> basic;
      case TOKEN, ACCESS_TOKEN, REFRESH_TOKEN, TOKEN_NOTHING, TOKEN_WRONG -> bearer;
    };
  }

  private static String mirrored(DockerRegistry registry) {
    return "mirrored-" + registry.host().replaceFirst(".*:", "") + ".test";
  }

  private Run build(Client client, String dockerfile, String... more) throws Exception {
    Path folder = Files.createDirectories(dir.resolve(client.name()));
    Files.writeString(
        folder.resolve("config.json"),
        client.entry.isEmpty()
            ? "{\"auths\": {\"other.test\": {%s}}}".formatted(Client.BASIC.entry)
            : "{\"auths\": {\"%s\": {%s}}}".formatted(registry(client).host(), client.entry));
    Path context = Buildctl.context(folder.resolve("context"), dockerfile);
    var command = Buildctl.of(daemon).build(context, more);
    command.environment().put("DOCKER_CONFIG", folder.toString());
    return Distribution.await(command.start());
  }

  private void prune() throws Exception {
    assertThat(Buildctl.of(daemon).run("prune", "--all").code()).isZero();
  }

  private static String steps(Client client) {
    var dockerfile = new StringBuilder(Buildctl.BASE);
    for (int i = 0; i < 5; i++) {
      dockerfile.append("RUN echo ").append(client).append(" > /f").append(i).append('\n');
    }
    return dockerfile.toString();
  }

  private static String[] flags(String... all) {
    return all;
  }

  @ParameterizedTest
  @EnumSource(names = {"OPEN", "BASIC", "TOKEN", "ACCESS_TOKEN", "REFRESH_TOKEN"})
  void whoHasTheRightOnesMayDoAll(Client client) throws Exception {
    String host = registry(client).host();
    String image = "team/" + client.name().toLowerCase() + ":1";
    String cache = "type=registry,ref=" + host + "/team/cache-" + client.name().toLowerCase();
    tokens.field = client == Client.ACCESS_TOKEN ? "access_token" : "token";
    succeed(
        build(
            client,
            steps(client),
            flags(
                "--output=type=image,push=true,name=" + host + "/" + image,
                "--export-cache=" + cache + ",mode=max")));
    prune();
    Run imported = build(client, steps(client), "--import-cache=" + cache);
    succeed(imported);
    assertThat(imported.output().lines().filter(line -> line.endsWith(" CACHED"))).hasSize(6);
    prune();
    String both =
        "FROM %s/%s AS mirrored\nFROM %s/%s\nCOPY --from=mirrored /f1 /copy\n"
            .formatted(mirrored(registry(client)), image, host, image);
    succeed(build(client, both, "--output=type=image,push=true,name=" + host + "/other/" + image));
  }

  private static void succeed(Run run) {
    assertThat(run.code()).as(run.output()).isZero();
  }

  @ParameterizedTest
  @EnumSource(names = {"BASIC_NOTHING", "BASIC_WRONG", "TOKEN_NOTHING", "TOKEN_WRONG"})
  void whoHasNotIsToldSo(Client client) throws Exception {
    String host = registry(client).host();
    String scratch = "FROM scratch\nCOPY busybox /\n";
    var runs = new ArrayList<Run>();
    runs.add(build(client, scratch, "--output=type=image,push=true,name=" + host + "/team/no:1"));
    runs.add(build(client, scratch, "--export-cache=type=registry,ref=" + host + "/team/no"));
    runs.add(build(client, "FROM " + host + "/team/no:1\n"));
    for (Run run : runs) {
      assertThat(run.code()).as(run.output()).isNotZero();
      assertThat(run.output())
          .contains(host)
          .containsAnyOf("401 Unauthorized", "authorization failed", "failed to authorize")
          .doesNotContain("hunter2");
    }
    assertThat(daemon.log()).doesNotContain("hunter2", Client.encoded("user:hunter2"));
  }
}
