package dev.kiln.tests.integration;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectWriter;
import dev.kiln.tests.support.Distribution;
import dev.kiln.tests.support.Distribution.Run;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * Each Dockerfile of {@code images/} built by the distribution gives the image that BuildKit v0.22
 * made of it: configuration, history, layers with their diff IDs, and every file in them. {@code
 * NAME.args} are further arguments of {@code kiln build}, one a line. The golden files come from
 * the reference: {@code -Dimages.reference=unix:///its/socket} builds there and writes them. {@code
 * -Dimages.only=NAME,NAME} takes these alone.
 */
@Execution(ExecutionMode.SAME_THREAD)
class ReferenceImagesTest {
  private static final Path FOLDER = Path.of("src/test/resources/images");
  private static final String ONLY = System.getProperty("images.only", "");
  private static final Instant EPOCH = Instant.parse("2023-11-14T22:13:20Z");
  private static final Path BUILT = Path.of("target/images");
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final ObjectWriter LINES =
      JSON.writer(
          new DefaultPrettyPrinter().withArrayIndenter(DefaultIndenter.SYSTEM_LINEFEED_INSTANCE));

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  static Path dir;

  private static ImageHost host;
  private static Optional<Distribution> daemon = Optional.empty();
  private static String commit = "";

  @BeforeAll
  static void serve() throws Exception {
    Path served = Files.createDirectories(dir.resolve("served"));
    SharedContext.write(Files.createDirectories(served.resolve("files")));
    commit = repository(served);
    host = ImageHost.start(served);
    BaseImages.addTo(host);
    SharedContext.writeExtra(Files.createDirectories(dir.resolve("extra")));
    if (reference().isEmpty()) {
      daemon = Optional.of(Distribution.start(Files.createDirectories(dir.resolve("daemon"))));
    }
  }

  @AfterAll
  static void end() {
    daemon.ifPresent(Distribution::close);
    host.close();
  }

  private static Optional<String> reference() {
    return Optional.ofNullable(System.getProperty("images.reference"));
  }

  /** A bare repository that any web server can serve; returns the commit of its tag {@code v1}. */
  private static String repository(Path served) throws Exception {
    Path work = dir.resolve("work");
    Files.createDirectories(work.resolve("folder"));
    Files.writeString(work.resolve("README"), "readme\n");
    Files.writeString(work.resolve("folder/file"), "file\n");
    git(work, "init", "-q", "-b", "main");
    git(work, "add", ".");
    git(work, "commit", "-q", "-m", "first");
    git(work, "tag", "v1");
    Files.writeString(work.resolve("README"), "changed\n");
    git(work, "commit", "-q", "-a", "-m", "second");
    git(served, "clone", "-q", "--bare", work.toString(), "repository.git");
    git(served.resolve("repository.git"), "update-server-info");
    return git(work, "rev-parse", "v1").strip();
  }

  private static String git(Path folder, String... words) throws Exception {
    var command = new ArrayList<>(List.of("git"));
    command.addAll(List.of(words));
    var builder = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
    builder
        .environment()
        .putAll(
            java.util.Map.of(
                "GIT_AUTHOR_NAME",
                "A",
                "GIT_AUTHOR_EMAIL",
                "a@example.com",
                "GIT_COMMITTER_NAME",
                "A",
                "GIT_COMMITTER_EMAIL",
                "a@example.com",
                "GIT_AUTHOR_DATE",
                "2020-02-02T02:02:02Z",
                "GIT_COMMITTER_DATE",
                "2020-02-02T02:02:02Z",
                "GIT_CONFIG_GLOBAL",
                "/dev/null",
                "GIT_CONFIG_NOSYSTEM",
                "1"));
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(output).isZero();
    return output;
  }

  @TestFactory
  Stream<DynamicTest> asTheReference() throws IOException {
    String suffix = ".Dockerfile";
    try (Stream<Path> files = Files.list(FOLDER)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(suffix))
          .map(name -> name.substring(0, name.length() - suffix.length()))
          .filter(name -> ONLY.isEmpty() || List.of(ONLY.split(",", -1)).contains(name))
          .sorted()
          .toList()
          .stream()
          .map(name -> DynamicTest.dynamicTest(name, () -> check(name)));
    }
  }

  private static void check(String name) throws Exception {
    Path archive = dir.resolve(name + ".tar");
    boolean epoch = !arguments(name).contains("no epoch");
    Run run = build(name, archive, epoch);
    assertThat(run.code()).as(run.output()).isZero();
    String image =
        LINES
            .writeValueAsString(
                ExportedImage.read(
                        archive, host.diffIds(), epoch ? Optional.of(EPOCH) : Optional.empty())
                    .shown())
            .replace(host.address(), "REGISTRY");
    Files.delete(archive);
    Path golden = FOLDER.resolve(name + ".golden.json");
    if (reference().isPresent()) {
      Files.writeString(golden, image + "\n");
    }
    Files.createDirectories(BUILT); // beside the test's message, for diff
    Files.writeString(BUILT.resolve(name + ".golden.json"), image + "\n");
    assertThat(image + "\n").isEqualTo(Files.readString(golden));
  }

  private static List<String> arguments(String name) throws IOException {
    Path file = FOLDER.resolve(name + ".args");
    return Files.exists(file) ? Files.readAllLines(file) : List.of();
  }

  private static String filled(String text) {
    return text.replace("@REGISTRY@", host.address())
        .replace("@EXTRA@", dir.resolve("extra").toString())
        .replace("@COMMIT@", commit);
  }

  private static Run build(String name, Path archive, boolean epoch) throws Exception {
    Path context = Files.createDirectories(dir.resolve("contexts/" + name));
    SharedContext.write(context);
    Path recipes = Files.createDirectories(dir.resolve("recipes"));
    Path recipe = recipes.resolve(name + ".Dockerfile");
    Files.writeString(recipe, filled(Files.readString(FOLDER.resolve(name + ".Dockerfile"))));
    Path ignore = FOLDER.resolve(name + ".Dockerfile.dockerignore");
    if (Files.exists(ignore)) {
      Files.copy(ignore, recipes.resolve(ignore.getFileName()));
    }
    var more = new ArrayList<String>();
    more.addAll(List.of("-f", recipe.toString(), "--build-arg", "REGISTRY=" + host.address()));
    String output = "type=oci,dest=" + archive;
    if (epoch) {
      more.addAll(List.of("--build-arg", "SOURCE_DATE_EPOCH=" + EPOCH.getEpochSecond()));
      output += ",rewrite-timestamp=true";
    }
    more.addAll(List.of("--output", output));
    arguments(name).stream()
        .filter(line -> line.startsWith("--"))
        .map(ReferenceImagesTest::filled)
        .forEach(more::add);
    String[] words = more.toArray(String[]::new);
    return Distribution.await(
        daemon.isPresent()
            ? daemon.get().build(context, words)
            : Distribution.client(reference().orElseThrow(), context, words));
  }
}
