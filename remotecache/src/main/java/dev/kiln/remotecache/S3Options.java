package dev.kiln.remotecache;

import dev.kiln.config.ConfigException;
import dev.kiln.config.GoDuration;
import dev.kiln.model.BuildException;
import dev.kiln.model.GoBool;
import dev.kiln.model.Kind;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a client says of a cache in S3 (features K-40 to K-46). Immutable. Source of names and
 * defaults: BuildKit v0.22.0, {@code cache/remotecache/s3/s3.go}.
 *
 * @param endpoint of another service than Amazon's
 */
record S3Options(
    String bucket,
    String region,
    Optional<URI> endpoint,
    boolean pathStyle,
    Optional<Keys> keys,
    ObjectStore.Layout layout) {

  /** Credentials; never printed. */
  record Keys(String id, String secret, String sessionToken) {
    @Override
    public String toString() {
      return "Keys[***]";
    }
  }

  /**
   * @param environment of the daemon, for what the client leaves out
   * @throws BuildException {@code INVALID} naming what is missing
   */
  static S3Options of(Map<String, String> attrs, Map<String, String> environment) {
    String prefix = attrs.getOrDefault("prefix", "");
    List<String> manifests =
        ObjectCache.names(
            prefix + attrs.getOrDefault("manifests_prefix", "manifests/"),
            attrs.getOrDefault("name", "buildkit"));
    var layout =
        new ObjectStore.Layout(
            prefix + attrs.getOrDefault("blobs_prefix", "blobs/"),
            manifests,
            manifests.subList(0, 1),
            touchRefresh(attrs.getOrDefault("touch_refresh", "24h")),
            parallelism(attrs.getOrDefault("upload_parallelism", "4")));
    String id = attrs.getOrDefault("access_key_id", "");
    String secret = attrs.getOrDefault("secret_access_key", "");
    return new S3Options(
        required("bucket", "AWS_BUCKET", attrs, environment),
        region(required("region", "AWS_REGION", attrs, environment)),
        Optional.of(attrs.getOrDefault("endpoint_url", ""))
            .filter(url -> !url.isEmpty())
            .map(url -> ServiceAddress.of("invalid endpoint_url for s3 cache", url)),
        GoBool.isTrue(attrs.getOrDefault("use_path_style", "")),
        id.isEmpty() || secret.isEmpty()
            ? Optional.empty()
            : Optional.of(new Keys(id, secret, attrs.getOrDefault("session_token", ""))),
        layout);
  }

  private static String required(
      String key, String variable, Map<String, String> attrs, Map<String, String> environment) {
    String value = attrs.getOrDefault(key, environment.getOrDefault(variable, ""));
    if (value.isEmpty()) {
      throw new BuildException(Kind.INVALID, key + " ($" + variable + ") not set for s3 cache");
    }
    return value;
  }

  /** A part of a host's name. */
  private static String region(String text) {
    if (text.length() > 63
        || !text.chars().allMatch(c -> c < 128 && Character.isLetterOrDigit(c) || c == '-')) {
      throw new BuildException(
          Kind.INVALID,
          "invalid region for s3 cache: \"" + text + "\" is not of letters, digits and '-'");
    }
    return text;
  }

  private static Duration touchRefresh(String text) {
    try {
      return GoDuration.parse("touch_refresh", text);
    } catch (ConfigException e) {
      return Duration.ofHours(24); // as BuildKit does
    }
  }

  private static int parallelism(String text) {
    try {
      int count = Integer.parseInt(text);
      if (count > 0) {
        return count;
      }
    } catch (NumberFormatException e) {
      // told below
    }
    throw new BuildException(Kind.INVALID, "upload_parallelism must be a positive integer");
  }
}
