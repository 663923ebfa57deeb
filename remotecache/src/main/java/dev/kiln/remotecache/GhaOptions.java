package dev.kiln.remotecache;

import dev.kiln.config.GoDuration;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.Kind;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a client says of a cache at GitHub Actions (features K-32 to K-37). Immutable. Source of
 * names, defaults and keys: BuildKit v0.22.0, {@code cache/remotecache/gha/gha.go}.
 *
 * @param url of the service, with a slash at its end
 * @param version of the service's protocol: 1 or 2
 * @param timeout how long one request may take, with its waits
 * @param listing where the keys that exist can be listed
 */
record GhaOptions(
    URI url,
    int version,
    GhaToken token,
    Duration timeout,
    Optional<Listing> listing,
    ObjectStore.Layout layout) {
  private static final String RESULTS = "results-receiver.actions.githubusercontent.com";

  /** Part of all keys: the form of what is stored. */
  private static final String FORM = "1";

  static final String BLOBS = "buildkit-blob-" + FORM + "-";
  private static final int BLOBS_AT_ONCE = 4;

  /** The library's timeout, where the client's is zero. */
  private static final Duration UNSET = Duration.ofMinutes(5);

  /** A repository and a token for GitHub's REST API; never printed. */
  record Listing(String repository, String token) {
    @Override
    public String toString() {
      return "Listing[" + repository + ", ***]";
    }
  }

  /**
   * @param now for the token's time
   * @throws BuildException naming what is missing or wrong
   */
  static GhaOptions of(Map<String, String> attrs, Instant now) {
    if (!attrs.containsKey("token")) {
      throw invalid("token not set for github actions cache");
    }
    long asked = version(attrs.getOrDefault("version", "0"));
    boolean v2Given = asked != 1 && attrs.containsKey("url_v2");
    String url = v2Given ? attrs.getOrDefault("url_v2", "") : "";
    if (url.isEmpty()) {
      url = attrs.getOrDefault("url", "");
    }
    if (url.isEmpty()) {
      throw invalid("url not set for github actions cache");
    }
    boolean v2 = v2Given || asked > 1 || asked == 0 && url.contains(RESULTS);
    GhaToken token = GhaToken.parse(attrs.getOrDefault("token", ""), now);
    return new GhaOptions(
        uri(url),
        v2 ? 2 : 1,
        token,
        timeout(attrs.getOrDefault("timeout", "10m")),
        listing(attrs.getOrDefault("repository", ""), attrs.getOrDefault("ghtoken", "")),
        layout(attrs.getOrDefault("scope", "buildkit"), token));
  }

  private static long version(String text) {
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw invalid(
          "failed to parse api version \"%1$s\", expected positive integer: strconv.ParseInt: parsing \"%1$s\": invalid syntax"
              .formatted(text));
    }
  }

  private static URI uri(String url) {
    return ServiceAddress.of(
        "invalid url for github actions cache", url.endsWith("/") ? url : url + "/");
  }

  private static Duration timeout(String text) {
    Duration time =
        GoDuration.find(text)
            .orElseThrow(() ->
                invalid(
                    "failed to parse timeout for github actions cache: time: invalid duration \""
                        + text
                        + "\""));
    return time.isPositive() ? time : UNSET;
  }

  private static Optional<Listing> listing(String repository, String token) {
    return repository.isEmpty() || token.isEmpty()
        ? Optional.empty()
        : Optional.of(new Listing(repository, token));
  }

  /** Each branch has its own index; the last one that may be written to is. */
  private static ObjectStore.Layout layout(String scope, GhaToken token) {
    String written =
        token.scopes().stream()
            .filter(GhaToken.Scope::writable)
            .map(GhaToken.Scope::name)
            .reduce("", (a, b) -> b);
    return new ObjectStore.Layout(
        BLOBS,
        List.of(index(scope, written)),
        token.scopes().stream().map(of -> index(scope, of.name())).toList(),
        ObjectStore.Layout.NEVER,
        BLOBS_AT_ONCE);
  }

  private static String index(String scope, String branch) {
    return "index-" + scope + "-" + FORM + "-" + Digest.of(branch).hex().substring(0, 8);
  }

  private static BuildException invalid(String message) {
    return new BuildException(Kind.INVALID, message);
  }
}
