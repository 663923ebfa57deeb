package dev.kiln.cli;

import dev.kiln.cli.lend.Lent;
import dev.kiln.cli.view.PlainView;
import dev.kiln.cli.view.ProgressView;
import dev.kiln.cli.view.TerminalSize;
import dev.kiln.cli.view.TerminalText;
import dev.kiln.cli.view.TerminalView;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.tracing.Blocking;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
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
            + " was built, 1 if not, 2 for a wrong command line, 128 and the signal if interrupted.")
final class BuildCommand implements Callable<Integer> {
  private static final String EPOCH = "SOURCE_DATE_EPOCH";

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

  private final List<String> notes = new ArrayList<>();

  @Override
  public Integer call() {
    PrintStream err = System.err;
    try {
      Build.Request request = request();
      String given = address == null ? System.getenv("BUILDKIT_HOST") : address;
      var tls =
          new ClientTls(
              Optional.ofNullable(tlsCa),
              Optional.ofNullable(tlsCertificate),
              Optional.ofNullable(tlsKey),
              Optional.ofNullable(tlsServerName));
      if (given == null || given.isEmpty()) {
        return buildWithOwnDaemon(request, err);
      }
      try (var daemon = DaemonChannel.open(DaemonAddress.parse(given), tls)) {
        return build(request, daemon, List::of, err);
      }
    } catch (BuildException e) {
      err.println("error: " + TerminalText.lines(e.getMessage()));
      return e.kind() == Kind.INVALID ? 2 : 1;
    } catch (IOException e) {
      err.println("error: " + GivenFiles.reason(e));
      return 1;
    } catch (InterruptedException e) {
      err.println("error: canceled");
      return Interrupts.exitCode();
    }
  }

  private int buildWithOwnDaemon(Build.Request request, PrintStream err)
      throws IOException, InterruptedException {
    try (var own = PrivateDaemon.start(launcher(), root, text -> note(err, text));
        var daemon = DaemonChannel.open(own.address(), ClientTls.NONE)) {
      return build(request, daemon, () -> own.hasEnded() ? own.lastWords() : List.of(), err);
    }
  }

  private static void note(PrintStream err, String text) {
    err.println("kiln: " + text);
  }

  private static List<String> launcher() {
    String home = System.getProperty("kiln.home");
    if (home == null) {
      throw OptionText.invalid("no daemon to build with: give --addr, or start kiln by its script");
    }
    return List.of(home + "/bin/buildkitd");
  }

  /** What a daemon of ours said before it ended; nothing where it did not end. */
  private interface LastWords {
    List<String> get() throws InterruptedException;
  }

  private int build(
      Build.Request request, DaemonChannel daemon, LastWords lastWords, PrintStream err)
      throws IOException, InterruptedException {
    daemon.greet(DaemonChannel.PATIENCE);
    notes.forEach(text -> note(err, text));
    try (ProgressView view = view(err)) {
      OutputStream standardOutput = new FileOutputStream(FileDescriptor.out);
      try {
        Map<String, String> metadata = new Build(daemon, request, view, standardOutput).run();
        request.caches().list(metadata);
        writeMetadata(metadata);
      } catch (BuildException e) {
        view.close();
        Failures.print(view.state(), lastWords.get(), e, err);
        return 1;
      }
      view.close();
      tellWhatBecameOfIt(request, err);
      return 0;
    }
  }

  private void writeMetadata(Map<String, String> metadata) {
    if (metadataFile != null) {
      try {
        Files.writeString(metadataFile, MetadataJson.of(metadata), StandardCharsets.UTF_8);
      } catch (IOException e) {
        throw new BuildException(
            Kind.UNKNOWN, "--metadata-file " + metadataFile + ": " + GivenFiles.reason(e), e);
      }
    }
  }

  /** A build without an output has a result that nobody gets. */
  private void tellWhatBecameOfIt(Build.Request request, PrintStream err) {
    if (outputs.isEmpty() && progress != Progress.QUIET && request.caches().exports().isEmpty()) {
      String what = tags.isEmpty() ? "the result" : "the image " + String.join(", ", tags);
      note(
          err,
          what
              + " is in the daemon's cache alone. --output takes it out:"
              + " type=image,push=true to its registry, type=docker,dest=FILE to `docker load`,"
              + " type=local,dest=DIR as files");
    }
  }

  private ProgressView view(PrintStream err) {
    boolean terminal =
        switch (progress) {
          case AUTO ->
              TerminalSize.ofStandardError().isPresent() && !"dumb".equals(System.getenv("TERM"));
          case TTY -> true;
          case PLAIN, QUIET -> false;
        };
    if (progress == Progress.QUIET) {
      return ProgressView.quiet();
    }
    if (!terminal) {
      return new PlainView(err);
    }
    var view = new TerminalView(err, TerminalSize::now, Clock.systemUTC());
    var _ = Blocking.start("picture", view::drawWhileOpen);
    return view;
  }

  private Build.Request request() {
    var options = new LinkedHashMap<String, String>();
    for (String text : frontendOptions) {
      var option = OptionText.argument("--opt", text);
      options.put(option.getKey(), option.getValue());
    }
    var contexts = new Contexts();
    boolean elsewhere = options.containsKey("context") || options.containsKey("filename");
    contexts.main(
        context, Optional.ofNullable(file), frontend.equals("dockerfile.v0") && !elsewhere);
    for (String text : buildContexts) {
      var named = OptionText.argument("--build-context", text);
      contexts.named(named.getKey(), named.getValue());
    }
    var attributes = new LinkedHashMap<>(contexts.attributes);
    attributes.putAll(settings());
    attributes.putAll(options);
    var lentSecrets = new LinkedHashMap<String, Lent.SecretSource>();
    for (String text : secrets) {
      var secret = OptionText.secret(text, notes::add);
      lentSecrets.put(secret.getKey(), secret.getValue());
    }
    var agents = new LinkedHashMap<String, Path>();
    for (String text : sshAgents) {
      var agent = OptionText.ssh(text);
      agents.put(agent.getKey(), agent.getValue());
    }
    if (metadataFile != null) {
      GivenFiles.writable("--metadata-file", metadataFile);
    }
    List<Output> all = outputs();
    var caches = Caches.read(cacheImports, cacheExports, System.getenv(), notes::add);
    return new Build.Request(
        frontend,
        attributes,
        entitlements,
        caches,
        new Lent(contexts.directories, all, lentSecrets, agents, caches.folders()));
  }

  private Map<String, String> settings() {
    var attributes = new LinkedHashMap<String, String>();
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
    String epoch = System.getenv(EPOCH);
    if (epoch != null && !epoch.isEmpty()) {
      attributes.put("build-arg:" + EPOCH, epoch); // as Docker's clients do; a flag goes before it
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
    return attributes;
  }

  private List<Output> outputs() {
    tags.forEach(OptionText::tag);
    var all = new ArrayList<Output>();
    for (String text : outputs) {
      Output output = OptionText.output(text);
      if (tags.isEmpty() && output.pushesNothing()) {
        throw OptionText.invalid("--output '" + text + "' needs name=NAME, or --tag NAME");
      }
      all.add(output);
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
