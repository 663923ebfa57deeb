package dev.kiln.exporters;

import dev.kiln.model.ImageRef;
import dev.kiln.model.Platform;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Package URLs of images, {@code pkg:docker/NAME@TAG?digest=…&platform=…}, by which attestations
 * name them. Any thread. Source: BuildKit v0.22 {@code util/purl/image.go} and packageurl-go
 * v0.1.1, whose escaping differs by part.
 */
public final class Purl {
  private Purl() {}

  /**
   * @param type {@code docker}, or {@code oci} for an image of an OCI layout
   * @throws dev.kiln.model.BuildException {@code INVALID} for a malformed reference
   */
  public static String of(String type, String reference, Optional<Platform> platform) {
    ImageRef ref = ImageRef.parseNormalized(reference);
    String familiar =
        new ImageRef(ref.domain(), ref.path(), Optional.empty(), Optional.empty()).familiar();
    String path =
        Arrays.stream(familiar.split("/"))
            .map(part -> URLEncoder.encode(part, StandardCharsets.UTF_8))
            .collect(Collectors.joining("/"));
    List<String> qualifiers = new ArrayList<>();
    ref.digest().ifPresent(d -> qualifiers.add("digest=" + pathEscape(d.value())));
    platform.ifPresent(p -> qualifiers.add("platform=" + pathEscape(p.formatShort())));
    return "pkg:"
        + type
        + "/"
        + path
        + ref.tag().map(t -> "@" + pathEscape(t)).orElse("")
        + (qualifiers.isEmpty() ? "" : "?" + String.join("&", qualifiers));
  }

  /** Go's {@code url.PathEscape}: a colon stays, a slash does not. */
  private static String pathEscape(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8)
        .replace("+", "%20")
        .replace("%3A", ":")
        .replace("%40", "@")
        .replace("%26", "&")
        .replace("%3D", "=")
        .replace("%2B", "+")
        .replace("%24", "$")
        .replace("%7E", "~")
        .replace("*", "%2A");
  }
}
