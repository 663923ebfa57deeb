package dev.kiln.dockerfile;

import com.fasterxml.jackson.databind.JsonNode;
import dev.kiln.dockerfile.context.AskedAttestations.SbomScanner;
import dev.kiln.dockerfile.context.Sources;
import dev.kiln.dockerfile.graph.DefinitionWriter;
import dev.kiln.dockerfile.graph.GivenDefinition;
import dev.kiln.dockerfile.graph.Node;
import dev.kiln.dockerfile.graph.NodeOptions;
import dev.kiln.dockerfile.graph.Output;
import dev.kiln.dockerfile.graph.State;
import dev.kiln.dockerfile.text.SlashPath;
import dev.kiln.grpc.pb.NetMode;
import dev.kiln.llb.FrontendAttestation;
import dev.kiln.llb.FrontendClient;
import dev.kiln.llb.FrontendRef;
import dev.kiln.llb.ImageMeta;
import dev.kiln.llb.ImageQuery;
import dev.kiln.llb.SolveRequest;
import dev.kiln.model.Attestation;
import dev.kiln.model.BuildException;
import dev.kiln.model.Json;
import dev.kiln.model.Kind;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Has a scanner image list what a result is made of (features ), as a step of the
 * build. Immutable; made once a build, {@code scan} once a platform.
 */
public final class SbomScan {

  /** The type of the statements. */
  public static final String PREDICATE = "https://spdx.dev/Document";

  private static final String OUT = "/run/out/";
  private static final String CORE = "sbom";

  private final FrontendClient client;
  private final String image;
  private final List<String> arguments;
  private final List<String> environment;
  private final String directory;
  private final Map<String, String> parameters;

  private SbomScan(
      FrontendClient client,
      String image,
      List<String> arguments,
      List<String> environment,
      String directory,
      Map<String, String> parameters) {
    this.client = client;
    this.image = image;
    this.arguments = arguments;
    this.environment = environment;
    this.directory = directory;
    this.parameters = parameters;
  }

  /**
   * Finds the scanner.
   *
   * @throws BuildException if it cannot be found or has no command
   */
  public static SbomScan of(FrontendClient client, SbomScanner scanner, String resolveMode)
      throws InterruptedException {
    ImageMeta meta =
        client.resolveImage(new ImageQuery(scanner.image(), Optional.empty(), resolveMode, ""));
    String image = meta.ref().isEmpty() ? scanner.image() : meta.ref();
    JsonNode config =
        Json.read(Kind.INVALID, "the configuration of " + image + " is no JSON", meta.config())
            .path("config");
    var arguments = new ArrayList<String>();
    config.path("Entrypoint").forEach(word -> arguments.add(word.asText()));
    config.path("Cmd").forEach(word -> arguments.add(word.asText()));
    if (arguments.isEmpty()) {
      throw new BuildException(Kind.INVALID, "scanner " + image + " does not have cmd");
    }
    var environment = new ArrayList<String>();
    config.path("Env").forEach(entry -> environment.add(entry.asText()));
    return new SbomScan(
        client,
        image,
        arguments,
        environment,
        SlashPath.join("/", config.path("WorkingDir").asText("")),
        scanner.parameters());
  }

  /** Scans a result that is known by its definition alone. */
  public FrontendAttestation scan(String platformId, FrontendRef target, boolean ignoreCache)
      throws InterruptedException {
    return scan(
        platformId, GivenDefinition.state(target.definition()), new TreeMap<>(), ignoreCache);
  }

  /**
   * Scans a result and further file systems by name; the statements lie in a ref of their own.
   *
   * @param ignoreCache scan even what was scanned before
   */
  FrontendAttestation scan(
      String platformId, State target, SortedMap<String, State> extras, boolean ignoreCache)
      throws InterruptedException {
    State state = scannerState(!extras.isEmpty());
    var mounts = new ArrayList<Node.Mount>();
    mounts.add(new Node.Mount.Tmpfs("/tmp", 0, false));
    mounts.add(readOnly("/run/src/core/" + CORE, target));
    extras.forEach((name, extra) -> mounts.add(readOnly("/run/src/extras/sbom-" + name, extra)));
    mounts.add(new Node.Mount.Bind(OUT, Optional.empty(), "", false, false));
    NodeOptions options =
        NodeOptions.named("[" + platformId + "] generating sbom using " + image)
            .ignoringCache(ignoreCache);
    var scan = new Node.Exec(state, Node.Process.of(arguments, NetMode.UNSET), mounts, options);
    State statements = State.of(new Output.Made(scan, 1)); // the root is the first output
    var result =
        client.solve(
            SolveRequest.of(DefinitionWriter.write(statements, client.info().defaultPlatform())));
    return new FrontendAttestation(
        new Attestation(
            Attestation.AttestationKind.BUNDLE,
            Map.of(
                "reason", "sbom".getBytes(StandardCharsets.UTF_8),
                "sbom-core", CORE.getBytes(StandardCharsets.UTF_8)),
            "",
            new byte[0],
            PREDICATE,
            List.of()),
        result.ref());
  }

  private static Node.Mount readOnly(String target, State files) {
    return new Node.Mount.Bind(target, files.output(), "", true, false);
  }

  private State scannerState(boolean extras) {
    State state =
        State.of(Sources.image(image, "default", NodeOptions.NONE)).withDirectory(directory);
    for (String entry : environment) {
      int equals = entry.indexOf('=');
      state =
          state.withVariable(
              equals < 0 ? entry : entry.substring(0, equals),
              equals < 0 ? "" : entry.substring(equals + 1));
    }
    state =
        state
            .withVariable("BUILDKIT_SCAN_DESTINATION", OUT)
            .withVariable("BUILDKIT_SCAN_SOURCE", "/run/src/core/" + CORE);
    if (extras) {
      state = state.withVariable("BUILDKIT_SCAN_SOURCE_EXTRAS", "/run/src/extras");
    }
    for (Map.Entry<String, String> parameter : parameters.entrySet()) {
      state = state.withVariable("BUILDKIT_SCAN_" + parameter.getKey(), parameter.getValue());
    }
    return state;
  }
}
