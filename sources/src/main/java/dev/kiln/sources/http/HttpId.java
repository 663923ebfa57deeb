package dev.kiln.sources.http;

import com.google.re2j.Pattern;
import dev.kiln.llb.SourceOp;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.FilePaths;
import dev.kiln.model.GoJson;
import dev.kiln.model.Kind;
import dev.kiln.tracing.Redaction;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What an http source op names. Immutable. Keys: BuildKit v0.22 {@code source/http/source.go}.
 *
 * @param filename empty where the server or the URL decides
 * @param mode 0 where the op names none
 * @param authSecret id of the secret that holds the Authorization header, or empty
 * @param headers sorted by name
 */
record HttpId(
    String url,
    Optional<Digest> checksum,
    String filename,
    long mode,
    long uid,
    long gid,
    String authSecret,
    List<Header> headers) {
  private static final Pattern OCTAL = Pattern.compile("^(?P<sign>[-+]?)0o");

  HttpId {
    headers = List.copyOf(headers);
  }

  record Header(String name, String value) {
    GoJson json() {
      return GoJson.object().text("Name", name).text("Value", value);
    }
  }

  /**
   * @throws BuildException {@code INVALID}, naming what is wrong without names and passwords
   */
  static HttpId of(SourceOp op) {
    check(op.identifier());
    var headers = new ArrayList<Header>();
    op.attrs()
        .forEach((key, value) -> {
          if (key.startsWith("http.header.")) {
            // Other headers are left out without a word, as BuildKit does.
            switch (key.substring("http.header.".length()).toLowerCase(Locale.ROOT)) {
              case "accept" -> headers.add(new Header("Accept", value));
              case "user-agent" -> headers.add(new Header("User-Agent", value));
              default -> {}
            }
          }
        });
    headers.sort(Comparator.comparing(Header::name));
    return new HttpId(
        op.identifier(),
        op.attr("http.checksum").map(HttpId::digest),
        op.attr("http.filename").orElse(""),
        number(op, "http.perm"),
        number(op, "http.uid"),
        number(op, "http.gid"),
        op.attr("http.authheadersecret").orElse(""),
        headers);
  }

  private static void check(String url) {
    Optional<String> wrong;
    try {
      wrong = new URI(url).getHost() == null ? Optional.of("it names no host") : Optional.empty();
    } catch (URISyntaxException e) {
      wrong = Optional.of("it is no URL: " + e.getReason());
    }
    if (wrong.isPresent()) {
      throw new BuildException(
          Kind.INVALID, "invalid http source " + Redaction.of(url) + ": " + wrong.get());
    }
  }

  private static Digest digest(String text) {
    if (!Digest.isValid(text)) {
      throw new BuildException(Kind.INVALID, "invalid checksum digest format: \"" + text + "\"");
    }
    return new Digest(text);
  }

  /** As Go's {@code ParseInt} with base 0: {@code 0x}, {@code 0o}, {@code 0b}, {@code 0} lead. */
  private static long number(SourceOp op, String key) {
    String text = op.attr(key).orElse("0");
    try {
      String low = text.toLowerCase(Locale.ROOT);
      if (Pattern.matches("[-+]?0b[01]+", low)) {
        return Long.parseLong(low.replace("0b", ""), 2);
      }
      return Long.decode(OCTAL.matcher(low).replaceFirst("${sign}0"));
    } catch (NumberFormatException e) {
      throw new BuildException(Kind.INVALID, key + ": parsing \"" + text + "\": invalid syntax", e);
    }
  }

  private GoJson headersIfSet(GoJson json) {
    return json.objectsIfSet("Header", headers.stream().map(Header::json).toList());
  }

  /** The cache key of the file's content under the name and owner it gets. */
  Digest cacheKey(String name, Digest content, String lastModified) {
    GoJson json =
        GoJson.object()
            .text("Filename", name)
            .number("Perm", mode)
            .number("UID", uid)
            .number("GID", gid)
            .text("Checksum", content.value())
            .textIfSet("LastModTime", lastModified)
            .textIfSet("AuthHeaderSecret", authSecret);
    return Digest.of(headersIfSet(json).toBytes());
  }

  /** What earlier downloads of the same request are found by. */
  String indexKey() {
    GoJson json =
        GoJson.object()
            .text("URL", url)
            .text("Filename", filename)
            .number("Perm", mode)
            .number("UID", uid)
            .number("GID", gid)
            .text("AuthHeaderSecret", authSecret);
    return "http:" + Digest.of(headersIfSet(json).toBytes()).hex();
  }

  /**
   * The name of the file: the op's, the server's, the last part of the path, or {@code download}.
   *
   * @param disposition the Content-Disposition header, or empty
   */
  String name(String disposition) {
    if (!filename.isEmpty()) {
      return filename;
    }
    Optional<String> said = ContentDisposition.filename(disposition);
    if (said.isPresent() && !said.get().isEmpty() && !said.get().endsWith("/")) {
      return FilePaths.base(said.get());
    }
    String path = URI.create(url).getPath();
    String base = FilePaths.base(path == null ? "" : path);
    return base.equals(".") || base.equals("/") ? "download" : base;
  }
}
