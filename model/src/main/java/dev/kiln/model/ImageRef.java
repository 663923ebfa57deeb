package dev.kiln.model;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import java.util.Optional;

/**
 * A full image reference: registry host, repository path, and a tag, a digest or both. Immutable.
 * Source: distribution's {@code reference} grammar; Docker Hub's short names are expanded by {@link
 * #parseNormalized} as clients do.
 *
 * @param domain host and optional port, such as {@code docker.io} or {@code localhost:5000}
 * @param path repository inside the registry, such as {@code library/alpine}
 */
public record ImageRef(String domain, String path, Optional<String> tag, Optional<Digest> digest) {
  private static final Pattern PATH =
      Pattern.compile(
          "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*)*");
  private static final Pattern TAG = Pattern.compile("[\\w][\\w.-]{0,127}");
  private static final Pattern WHOLE = Pattern.compile("([^@]+?)(?::([^:/@]+))?(?:@(.+))?");

  /** Characters of a path (distribution, {@code reference}: RepositoryNameTotalLengthMax). */
  private static final int LONGEST_PATH = 255;

  /** Characters of anything that can be a reference: a host, a path, a tag and a digest. */
  private static final int LONGEST = 1024;

  public ImageRef {
    if (path.length() > LONGEST_PATH) {
      throw tooLong(path);
    }
    if (domain.isEmpty()
        || !PATH.matcher(path).matches()
        || tag.isPresent() && !TAG.matcher(tag.get()).matches()) {
      throw new BuildException(
          Kind.INVALID,
          "invalid reference format: '"
              + domain
              + "/"
              + path
              + tag.map(t -> ":" + t).orElse("")
              + "'");
    }
  }

  /**
   * Parses what a user wrote: {@code alpine} is {@code docker.io/library/alpine}; neither tag nor
   * digest gives {@code latest}.
   *
   * @throws BuildException {@code INVALID}, naming the text
   */
  public static ImageRef parseNormalized(String text) {
    ImageRef ref = parse(text);
    return ref.tag.isEmpty() && ref.digest.isEmpty() ? ref.withTag("latest") : ref;
  }

  /** As {@link #parseNormalized}, but leaves an absent tag absent. */
  public static ImageRef parse(String text) {
    if (text.length() > LONGEST) {
      throw tooLong(text);
    }
    Matcher m = WHOLE.matcher(text);
    if (!m.matches()) {
      throw invalid(text);
    }
    String name = m.group(1);
    int slash = name.indexOf('/');
    String first = slash < 0 ? "" : name.substring(0, slash);
    boolean host =
        first.contains(".")
            || first.contains(":")
            || first.equals("localhost")
            || !first.equals(first.toLowerCase(java.util.Locale.ROOT));
    String domain = host ? first : "docker.io";
    String path = host ? name.substring(slash + 1) : name;
    if (domain.equals("index.docker.io")) {
      domain = "docker.io";
    }
    if (domain.equals("docker.io") && path.indexOf('/') < 0) {
      path = "library/" + path;
    }
    Optional<Digest> digest =
        Optional.ofNullable(m.group(3))
            .map(d -> {
              if (!Digest.isValid(d)) {
                throw invalid(text);
              }
              return new Digest(d);
            });
    try {
      return new ImageRef(domain, path, Optional.ofNullable(m.group(2)), digest);
    } catch (BuildException e) {
      if (path.length() > LONGEST_PATH) {
        throw e;
      }
      if (!path.equals(path.toLowerCase(java.util.Locale.ROOT))) {
        throw new BuildException(
            Kind.INVALID,
            "invalid reference format: repository name (" + path + ") must be lowercase");
      }
      throw invalid(text);
    }
  }

  private static BuildException tooLong(String text) {
    return new BuildException(
        Kind.INVALID,
        "invalid reference format: repository name must not be more than "
            + LONGEST_PATH
            + " characters: '"
            + text.substring(0, 64)
            + "...'");
  }

  private static BuildException invalid(String text) {
    return new BuildException(
        Kind.INVALID,
        "invalid reference format: '" + text + "' (expected [HOST/]NAME[:TAG][@sha256:DIGEST])");
  }

  public ImageRef withTag(String name) {
    return new ImageRef(domain, path, Optional.of(name), digest);
  }

  public ImageRef withDigest(Digest of) {
    return new ImageRef(domain, path, tag, Optional.of(of));
  }

  /** {@code domain/path} alone. */
  public String repository() {
    return domain + "/" + path;
  }

  /** The name as Docker users write it: without {@code docker.io/} and {@code library/}. */
  public String familiar() {
    String name =
        domain.equals("docker.io")
            ? (path.startsWith("library/") ? path.substring("library/".length()) : path)
            : repository();
    return name + suffix();
  }

  private String suffix() {
    return tag.map(t -> ":" + t).orElse("") + digest.map(d -> "@" + d).orElse("");
  }

  @Override
  public String toString() {
    return repository() + suffix();
  }
}
