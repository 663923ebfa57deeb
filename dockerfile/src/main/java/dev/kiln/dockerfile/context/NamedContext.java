package dev.kiln.dockerfile.context;

import com.fasterxml.jackson.databind.JsonNode;
import dev.kiln.dockerfile.graph.NodeOptions;
import dev.kiln.dockerfile.graph.Output;
import dev.kiln.dockerfile.graph.State;
import dev.kiln.dockerfile.image.ImageConfig;
import dev.kiln.dockerfile.image.ImageJson;
import dev.kiln.dockerfile.text.GoText;
import dev.kiln.grpc.pb.Definition;
import dev.kiln.llb.ImageMeta;
import dev.kiln.llb.ImageQuery;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Json;
import dev.kiln.model.Kind;
import dev.kiln.model.Platform;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Files that the client put in the place of a stage or image: {@code context:NAME=…} (features F-30
 * and F-31). Immutable; {@link #load} blocks.
 */
public final class NamedContext {
  private static final int DEEPEST = 10;

  private final BuildContexts contexts;
  private final String input;
  private final String name;
  private final String key;
  private final Options options;

  NamedContext(BuildContexts contexts, String input, String name, String key, Options options) {
    this.contexts = contexts;
    this.input = input;
    this.name = name;
    this.key = key;
    this.options = options;
  }

  /**
   * How a context is loaded.
   *
   * @param platform of the image that is taken; absent for the daemon's
   * @param followPaths which files of a client's folder are wanted, known only at the end; empty
   *     for all
   */
  public record Options(
      Optional<Platform> platform, String resolveMode, Supplier<List<String>> followPaths) {}

  /** What was found; an image brings its configuration. */
  public record Loaded(State state, Optional<ImageConfig> image) {}

  /**
   * @throws BuildException if it is malformed or cannot be found
   */
  public Loaded load() throws InterruptedException {
    return load(input, 0);
  }

  private Loaded load(String from, int depth) throws InterruptedException {
    if (depth > DEEPEST) {
      throw invalid(
          "context recursion limit exceeded; this may indicate a cycle in the provided source"
              + " policies: "
              + from);
    }
    int colon = from.indexOf(':');
    if (colon < 0) {
      throw invalid("invalid context specifier " + from + " for " + key);
    }
    String scheme = from.startsWith("git@") ? "git" : from.substring(0, colon);
    String rest = from.substring(colon + 1);
    return switch (scheme) {
      case "docker-image" -> image(withoutSlashes(rest), depth);
      case "git" ->
          plain(
              BuildContexts.gitContext(from, true)
                  .orElseThrow(() -> invalid("invalid git context " + from)));
      case "http", "https" ->
          plain(BuildContexts.gitContext(from, true).orElseGet(() -> download(from)));
      case "oci-layout" -> ociLayout(withoutSlashes(rest));
      case "local" -> local(withoutSlashes(rest));
      case "input" -> given(rest);
      default -> throw invalid("unsupported context source " + scheme + " for " + key);
    };
  }

  private static Loaded plain(State state) {
    return new Loaded(state, Optional.empty());
  }

  private State download(String url) {
    return State.of(
        Sources.http(url, "", Optional.empty(), NodeOptions.named("[context " + key + "] " + url)));
  }

  private static String withoutSlashes(String text) {
    return text.startsWith("//") ? text.substring(2) : text;
  }

  private NodeOptions named(String what) {
    NodeOptions shown = NodeOptions.named("[context " + key + "] " + what);
    return options.platform().map(shown::withPlatform).orElse(shown);
  }

  private String loadMetadata(String of) {
    return "[context " + key + "] load metadata for " + of;
  }

  private Loaded image(String ref, int depth) throws InterruptedException {
    if (ref.equals("scratch")) {
      return plain(State.scratch());
    }
    ImageMeta meta;
    try {
      meta =
          contexts
              .client()
              .resolveImage(
                  new ImageQuery(
                      ImageRef.parseNormalized(ref).toString(),
                      options.platform(),
                      options.resolveMode(),
                      loadMetadata(ref)));
    } catch (BuildException e) {
      Optional<String> elsewhere = NotAnImage.of(e);
      if (elsewhere.isEmpty()) {
        throw e;
      }
      return load(elsewhere.get(), depth + 1); // a source policy led away from images
    }
    ImageConfig image = ImageJson.parse(meta.config());
    image.clearCreated();
    return ofImage(State.of(Sources.image(meta.ref(), "default", named(ref))), image);
  }

  private static Loaded ofImage(State state, ImageConfig image) {
    return new Loaded(withImage(state, image), Optional.of(image));
  }

  /** With the variables, folder and platform of an image's configuration. */
  private static State withImage(State state, ImageConfig image) {
    State next = state;
    for (String entry : image.environment()) {
      int equals = entry.indexOf('=');
      String variable = equals < 0 ? entry : entry.substring(0, equals);
      if (!variable.isEmpty()) {
        next = next.withVariable(variable, equals < 0 ? "" : entry.substring(equals + 1));
      }
    }
    String directory = image.workingDirectory();
    next =
        next.withDirectory(
            directory.startsWith("/")
                ? directory
                : dev.kiln.dockerfile.text.SlashPath.join(next.directory(), directory));
    return image.platform().map(next::withPlatform).orElse(next);
  }

  private Loaded ociLayout(String spec) throws InterruptedException {
    int at = spec.indexOf('@');
    String store = at < 0 ? spec : spec.substring(0, at);
    if (at < 0) {
      throw invalid("oci-layout reference " + GoText.quote(spec) + " has no digest");
    }
    if (store.isEmpty() || !Digest.isValid(spec.substring(at + 1))) {
      throw invalid("could not parse oci-layout reference " + GoText.quote(spec));
    }
    int tag = store.indexOf(':', store.lastIndexOf('/') + 1);
    String storeId = tag < 0 ? store : store.substring(0, tag);
    // The name under which it was given says more in messages than the store's.
    String shown = ImageRef.parse(name).withDigest(new Digest(spec.substring(at + 1))).toString();
    String session = contexts.client().info().sessionId();
    ImageMeta meta =
        contexts
            .client()
            .resolveImage(
                new ImageQuery(
                    shown,
                    options.platform(),
                    "",
                    loadMetadata(shown),
                    Optional.of(new ImageQuery.OciLayout(session, storeId)),
                    List.of()));
    return ofImage(
        State.of(Sources.ociLayout(shown, session, storeId, named("OCI load from client"))),
        ImageJson.parse(meta.config()));
  }

  private Loaded local(String folder) throws InterruptedException {
    String session = contexts.sessionOf(folder);
    byte[] ignoreFile =
        contexts.readIgnoreFile(
            new Sources.Local(
                folder,
                session,
                "context:" + key + "-" + BuildContexts.IGNORE_FILE,
                List.of(),
                List.of(BuildContexts.IGNORE_FILE),
                true),
            NodeOptions.named("[context " + key + "] load " + BuildContexts.IGNORE_FILE),
            true);
    List<String> excludes = IgnoreFile.patterns(ignoreFile);
    var files =
        new Output.Late(() ->
            State.of(
                    new Sources.Local(
                            folder,
                            session,
                            "context:" + key,
                            excludes,
                            options.followPaths().get(),
                            false)
                        .node(NodeOptions.named("[context " + key + "] load from client")))
                .output());
    return plain(State.of(files));
  }

  private Loaded given(String inputName) {
    Map<String, Definition> inputs = contexts.inputs();
    if (!inputs.containsKey(inputName)) {
      throw invalid("invalid input " + inputName + " for " + key);
    }
    State state = BuildContexts.given(inputs, inputName);
    String metadata = contexts.opts().get("input-metadata:" + inputName);
    if (metadata == null) {
      return plain(state);
    }
    try {
      JsonNode config = Json.parse(metadata).path("containerimage.config");
      if (!config.isTextual()) {
        return plain(state);
      }
      ImageConfig image = ImageJson.parse(Base64.getDecoder().decode(config.textValue()));
      return new Loaded(withImage(state, image), Optional.of(image));
    } catch (Json.Malformed | IllegalArgumentException e) {
      throw new BuildException(
          Kind.INVALID, "failed to parse input metadata " + metadata + ": " + e.getMessage(), e);
    }
  }

  private static BuildException invalid(String message) {
    return new BuildException(Kind.INVALID, message);
  }
}
