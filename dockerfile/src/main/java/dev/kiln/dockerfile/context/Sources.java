package dev.kiln.dockerfile.context;

import dev.kiln.dockerfile.graph.Node;
import dev.kiln.dockerfile.graph.NodeOptions;
import dev.kiln.model.Digest;
import dev.kiln.model.GoJson;
import dev.kiln.model.ImageRef;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The roots of a graph, with the attributes and capabilities that BuildKit's Go client gives them
 * (v0.22 {@code client/llb/source.go}). Pure.
 */
public final class Sources {
  private Sources() {}

  /**
   * @param resolveMode {@code default}, {@code pull} or {@code local}
   */
  public static Node image(String ref, String resolveMode, NodeOptions options) {
    var attributes = new LinkedHashMap<String, String>();
    NodeOptions needs = options.withCap("source.image");
    if (!resolveMode.equals("default")) {
      attributes.put("image.resolvemode", resolveMode);
    }
    if (resolveMode.equals("pull")) {
      needs = needs.withCap("source.image.resolvemode");
    }
    return new Node.Source("docker-image://" + ImageRef.parseNormalized(ref), attributes, needs);
  }

  public static Node ociLayout(String ref, String sessionId, String storeId, NodeOptions options) {
    return new Node.Source(
        "oci-layout://" + ref,
        Map.of("oci.session", sessionId, "oci.store", storeId),
        options.withCap("source.ocilayout"));
  }

  /**
   * @param filename empty for the source's own choice
   */
  public static Node http(
      String url, String filename, Optional<Digest> checksum, NodeOptions options) {
    var attributes = new LinkedHashMap<String, String>();
    NodeOptions needs = options.withCap("source.http");
    if (checksum.isPresent()) {
      attributes.put("http.checksum", checksum.get().value());
      needs = needs.withCap("source.http.checksum");
    }
    if (!filename.isEmpty()) {
      attributes.put("http.filename", filename);
    }
    return new Node.Source(url, attributes, needs);
  }

  /**
   * @param checksum the commit that must come out, empty for any
   */
  public static Node git(GitRef ref, boolean keepGitDir, String checksum, NodeOptions options) {
    var attributes = new LinkedHashMap<String, String>();
    NodeOptions needs = options.withCap("source.git").withCap("source.git.fullurl");
    if (keepGitDir) {
      attributes.put("git.keepgitdir", "true");
      needs = needs.withCap("source.git.keepgitdir");
    }
    attributes.put("git.fullurl", ref.fullUrl());
    attributes.put("git.authtokensecret", "GIT_AUTH_TOKEN");
    attributes.put("git.authheadersecret", "GIT_AUTH_HEADER");
    if (ref.scheme().equals("ssh")) {
      attributes.put("git.mountsshsock", "default");
      needs = needs.withCap("source.git.knownsshhosts").withCap("source.git.mountsshsock");
    }
    if (!checksum.isEmpty()) {
      attributes.put("git.checksum", checksum);
      needs = needs.withCap("source.git.checksum");
    }
    return new Node.Source(ref.identifier(), attributes, needs);
  }

  /** Files of the client. Immutable. */
  public record Local(
      String name,
      String sessionId,
      String sharedKeyHint,
      List<String> excludes,
      List<String> followPaths,
      boolean transferAll) {
    public Local {
      excludes = List.copyOf(excludes);
      followPaths = List.copyOf(followPaths);
    }

    public Node node(NodeOptions options) {
      var attributes = new TreeMap<String, String>();
      NodeOptions needs =
          options
              .withCap("source.local")
              .withCap("source.local.sessionid")
              .withCap("source.local.sharedkeyhint");
      attributes.put("local.session", sessionId);
      attributes.put("local.sharedkeyhint", sharedKeyHint);
      if (!followPaths.isEmpty()) {
        attributes.put("local.followpaths", GoJson.texts(followPaths));
        needs = needs.withCap("source.local.followpaths");
      }
      if (!excludes.isEmpty()) {
        attributes.put("local.excludepatterns", GoJson.texts(excludes));
        needs = needs.withCap("source.local.excludepatterns");
      }
      if (transferAll) {
        attributes.put("local.differ", "none");
      }
      return new Node.Source("local://" + name, attributes, needs);
    }
  }
}
