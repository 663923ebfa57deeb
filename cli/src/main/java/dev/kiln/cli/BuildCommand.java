package dev.kiln.cli;

import dev.kiln.cli.lend.Lent;
import dev.kiln.cli.view.PlainView;
import dev.kiln.cli.view.ProgressView;
import dev.kiln.cli.view.TerminalView;
import dev.kiln.model.BuildException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code kiln build}: reads the command line and runs one {@link Build}. */
@Command(
    name = "build",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Builds a Dockerfile, or whatever --frontend makes of the context.",
    footer =
        "%nWithout --addr (or BUILDKIT_HOST) the build gets a daemon of its own. Exit code: 0 if it"
            + " was built, 1 if not, 2 for a wrong command line.")
final class BuildCommand implements Callable<Integer> {
  private static final Pattern REMOTE =
      Pattern.compile("(https?|git|ssh)://.*|git@.*|github\\.com/.*");

  /** How to show progress. */
  enum Progress {
    AUTO,
    PLAIN,
    TTY,
    QUIET
  }

  @Parameters(
      index = "0",
      paramLabel = "CONTEXT",
      defaultValue = ".",
      description = "Directory, or URL of a git repository or archive (default: ${DEFAULT-VALUE}).")
  private String context = ".";

  @Option(
      names = {"-f", "--file"},
      paramLabel = "FILE",
      description = "The Dockerfile (default: CONTEXT/Dockerfile).")
  private @Nullable Path file;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "type=..[,dest=..]",
      description =
          "What shall come of it: type=local,dest=DIR; type=tar|oci|docker,dest=FILE;"
              + " type=image,name=NAME[,push=true]. May be repeated.")
  private List<String> outputs = new ArrayList<>();

  @Option(
      names = {"-t", "--tag"},
      paramLabel = "NAME",
      description = "Name of the image, for outputs that have no name of their own.")
  private List<String> tags = new ArrayList<>();

  @Option(names = "--target", paramLabel = "STAGE", description = "The stage to build.")
  private @Nullable String target;

  @Option(names = "--build-arg", paramLabel = "NAME[=VALUE]", description = "A build argument.")
  private List<String> buildArgs = new ArrayList<>();

  @Option(names = "--label", paramLabel = "NAME=VALUE", description = "A label of the image.")
  private List<String> labels = new ArrayList<>();

  @Option(names = "--platform", paramLabel = "OS/ARCH", description = "Platforms to build for.")
  private @Nullable String platform;

  @Option(names = "--no-cache", description = "Run every step, whatever is cached.")
  private boolean noCache;

  @Option(names = "--pull", description = "Ask registries for newer base images.")
  private boolean pull;

  @Option(
      names = "--secret",
      paramLabel = "id=ID[,src=FILE|env=VAR]",
      description = "A secret that steps may mount.")
  private List<String> secrets = new ArrayList<>();

  @Option(
      names = "--ssh",
      paramLabel = "ID[=SOCKET]",
      description = "An SSH agent that steps may mount.")
  private List<String> sshAgents = new ArrayList<>();

  @Option(
      names = "--build-context",
      paramLabel = "NAME=WHERE",
      description = "Another context, by the name that the Dockerfile uses.")
  private List<String> buildContexts = new ArrayList<>();

  @Option(
      names = "--allow",
      paramLabel = "ENTITLEMENT",
      description = "Grant network.host or security.insecure.")
  private List<String> entitlements = new ArrayList<>();

  @Option(
      names = "--cache-from",
      paramLabel = "type=..",
      description = "Import a cache, such as type=registry,ref=NAME.")
  private List<String> cacheImports = new ArrayList<>();

  @Option(
      names = "--cache-to",
      paramLabel = "type=..",
      description = "Export the cache, such as type=registry,ref=NAME,mode=max.")
  private List<String> cacheExports = new ArrayList<>();

  @Option(
      names = "--frontend",
      paramLabel = "NAME",
      defaultValue = "dockerfile.v0",
      description = "What reads the build's definition (default: ${DEFAULT-VALUE}).")
  private String frontend = "dockerfile.v0";

  @Option(names = "--opt", paramLabel = "KEY=VALUE", description = "An option of the frontend.")
  private List<String> frontendOptions = new ArrayList<>();

  @Option(
      names = "--metadata-file",
      paramLabel = "FILE",
      description = "Write the result's metadata to a file, as JSON.")
  private @Nullable Path metadataFile;

  @Option(
      names = "--progress",
      paramLabel = "HOW",
      defaultValue = "auto",
      description = "auto, plain, tty or quiet (default: ${DEFAULT-VALUE}).")
  private Progress progress = Progress.AUTO;

  @Option(
      names = "--addr",
      paramLabel = "ADDRESS",
      description = "The daemon: unix:///path or tcp://host:port (default: $BUILDKIT_HOST).")
  private @Nullable String address;

  @Option(
      names = "--root",
      paramLabel = "DIR",
      description = "State of the build's own daemon (default: /var/lib/kiln).")
  private Path root = Path.of("/var/lib/kiln");

  @Option(names = "--tlscacert", paramLabel = "FILE", description = "CA of a tcp:// daemon.")
  private @Nullable Path tlsCa;

  @Option(names = "--tlscert", paramLabel = "FILE", description = "Our certificate.")
  private @Nullable Path tlsCertificate;

  @Option(names = "--tlskey", paramLabel = "FILE", description = "Our certificate's key.")
  private @Nullable Path tlsKey;

  @Option(
      names = "--tlsservername",
      paramLabel = "NAME",
      description = "The name in the daemon's certificate.")
  private @Nullable String tlsServerName;

  @Override
  public Integer call() throws InterruptedException {
    PrintStream err = System.err;
    try {
      Build.Request request = request();
      String given = address == null ? System.getenv("BUILDKIT_HOST") : address;
      if (given != null && !given.isEmpty()) {
        return build(request, given, err);
      }
      return buildWithOwnDaemon(request, err);
    } catch (BuildException e) {
      err.println("kiln: " + e.getMessage());
      return e.kind() == dev.kiln.model.Kind.INVALID ? 2 : 1;
    } catch (IOException e) {
      err.println("kiln: " + e.getMessage());
      return 1;
    }
  }

  private int buildWithOwnDaemon(Build.Request request, PrintStream err)
      throws IOException, InterruptedException {
    try (var daemon = PrivateDaemon.start(launcher(), root, err::println)) {
      // An interrupted build must not leave its daemon behind.
      Thread stop = Thread.ofPlatform().unstarted(daemon::close);
      Runtime.getRuntime().addShutdownHook(stop);
      try {
        return build(request, daemon.address(), err);
      } finally {
        removeHook(stop);
      }
    }
  }

  private static void removeHook(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // it runs already
    }
  }

  private static List<String> launcher() {
    String home = System.getProperty("kiln.home");
    if (home == null) {
      throw OptionText.invalid("no daemon to build with: give --addr, or start kiln by its script");
    }
    return List.of(home + "/bin/buildkitd");
  }

  private int build(Build.Request request, String at, PrintStream err)
      throws IOException, InterruptedException {
    Optional<DaemonChannel.Tls> tls =
        Optional.ofNullable(tlsCa)
            .map(ca ->
                new DaemonChannel.Tls(
                    ca,
                    Optional.ofNullable(tlsCertificate),
                    Optional.ofNullable(tlsKey),
                    Optional.ofNullable(tlsServerName)));
    try (var daemon = DaemonChannel.open(at, tls);
        ProgressView view = view(err)) {
      Map<String, String> metadata;
      try {
        metadata = new Build(daemon.channel(), request, view, System.out).run();
      } catch (BuildException e) {
        view.close();
        Failures.print(view.state(), e, err);
        return 1;
      }
      if (metadataFile != null) {
        Files.writeString(metadataFile, MetadataJson.of(metadata), StandardCharsets.UTF_8);
      }
      return 0;
    }
  }

  private ProgressView view(PrintStream err) {
    boolean terminal =
        switch (progress) {
          case AUTO -> System.console() != null && System.console().isTerminal();
          case TTY -> true;
          case PLAIN, QUIET -> false;
        };
    if (progress == Progress.QUIET) {
      return ProgressView.quiet();
    }
    if (!terminal) {
      return new PlainView(err);
    }
    TerminalSize size = TerminalSize.ofThisTerminal();
    return new TerminalView(err, size.columns(), size.rows(), Clock.systemUTC());
  }

  private Build.Request request() {
    var attributes = new LinkedHashMap<String, String>();
    var directories = new LinkedHashMap<String, Path>();
    if (REMOTE.matcher(context).matches()) {
      attributes.put("context", context);
      if (file != null) {
        attributes.put("filename", file.toString());
      }
    } else {
      localContext(attributes, directories);
    }
    if (target != null) {
      attributes.put("target", target);
    }
    if (platform != null) {
      attributes.put("platform", platform);
    }
    if (noCache) {
      attributes.put("no-cache", "");
    }
    if (pull) {
      attributes.put("image-resolve-mode", "pull");
    }
    for (String text : buildArgs) {
      // Without a value and a variable there is nothing to set, as Docker has it.
      if (text.indexOf('=') >= 0 || System.getenv(text) != null) {
        var argument = OptionText.argument("--build-arg", text);
        attributes.put("build-arg:" + argument.getKey(), argument.getValue());
      }
    }
    for (String text : labels) {
      var label = OptionText.argument("--label", text);
      attributes.put("label:" + label.getKey(), label.getValue());
    }
    for (String text : buildContexts) {
      var named = OptionText.argument("--build-context", text);
      namedContext(named.getKey(), named.getValue(), attributes, directories);
    }
    for (String text : frontendOptions) {
      var option = OptionText.argument("--opt", text);
      attributes.put(option.getKey(), option.getValue());
    }
    var lentSecrets = new LinkedHashMap<String, Lent.SecretSource>();
    for (String text : secrets) {
      var secret = OptionText.secret(text);
      lentSecrets.put(secret.getKey(), secret.getValue());
    }
    var agents = new LinkedHashMap<String, Path>();
    for (String text : sshAgents) {
      var agent = OptionText.ssh(text);
      agents.put(agent.getKey(), agent.getValue());
    }
    return new Build.Request(
        frontend,
        attributes,
        entitlements,
        cacheImports.stream().map(OptionText::pairs).toList(),
        cacheExports.stream().map(OptionText::pairs).toList(),
        new Lent(directories, outputs(), lentSecrets, agents));
  }

  private void localContext(Map<String, String> attributes, Map<String, Path> directories) {
    Path directory = Path.of(context);
    if (!Files.isDirectory(directory)) {
      throw OptionText.invalid("the context " + directory + " is not a directory");
    }
    Path dockerfile = file == null ? directory.resolve("Dockerfile") : file;
    Path parent = dockerfile.toAbsolutePath().getParent();
    Path name = dockerfile.getFileName();
    if (parent == null || name == null || !Files.isDirectory(parent)) {
      throw OptionText.invalid("there is no Dockerfile " + dockerfile);
    }
    directories.put("context", directory);
    directories.put("dockerfile", parent);
    if (file != null) {
      attributes.put("filename", name.toString());
    }
  }

  private static void namedContext(
      String name, String where, Map<String, String> attributes, Map<String, Path> directories) {
    if (REMOTE.matcher(where).matches() || where.startsWith("docker-image://")) {
      attributes.put("context:" + name, where);
      return;
    }
    Path directory = Path.of(where);
    if (!Files.isDirectory(directory)) {
      throw OptionText.invalid("the context " + where + " is not a directory");
    }
    directories.put(name, directory);
    attributes.put("context:" + name, "local:" + name);
  }

  private List<Output> outputs() {
    var all = new ArrayList<Output>();
    for (String text : outputs) {
      all.add(OptionText.output(text));
    }
    if (tags.isEmpty()) {
      return all;
    }
    String names = String.join(",", tags);
    if (all.isEmpty()) {
      return List.of(new Output("image", Map.of("name", names), new Output.Target.Nowhere()));
    }
    return all.stream()
        .map(output -> {
          boolean image = !output.type().equals("local") && !output.type().equals("tar");
          if (!image || output.attributes().containsKey("name")) {
            return output;
          }
          var withName = new LinkedHashMap<>(output.attributes());
          withName.put("name", names);
          return new Output(output.type(), withName, output.target());
        })
        .toList();
  }
}
