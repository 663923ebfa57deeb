package dev.kiln.sources.image;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import dev.kiln.llb.SourceOp;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Kind;
import dev.kiln.store.RecordType;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What an image source op names. Immutable. (BuildKit v0.22 {@code source/containerimage/source.go}
 * for the attributes; containerd's {@code pkg/reference} for the form: a host always comes first.)
 *
 * @param text the reference as it is shown
 * @param layerLimit take only so many layers from the bottom
 */
public record ImageId(String text, ImageRef ref, RecordType recordType, OptionalInt layerLimit) {
  private static final Pattern SPEC = Pattern.compile("([^/]+)/([^:@]+)(?::([^:@]*))?(?:@(.*))?");

  /**
   * Checks a resolve mode. All of them ask the registry: a worker without an image store has no
   * images of its own to prefer.
   */
  public static void checkResolveMode(String text) {
    switch (text) {
      case "", "default", "pull", "local" -> {}
      default -> throw new BuildException(Kind.INVALID, "invalid resolvemode: " + text);
    }
  }

  public static ImageId ofImage(SourceOp op) {
    return of(op, "image.layerlimit");
  }

  public static ImageId ofLayout(SourceOp op) {
    return of(op, "oci.layerlimit");
  }

  private static ImageId of(SourceOp op, String limitKey) {
    checkResolveMode(op.attr("image.resolvemode").orElse(""));
    return new ImageId(
        op.rest(),
        reference(op.rest()),
        recordType(op.attr("image.recordtype").orElse("")),
        limit(op.attr(limitKey)));
  }

  private static RecordType recordType(String text) {
    return switch (text) {
      case "", "regular" -> RecordType.REGULAR;
      case "internal" -> RecordType.INTERNAL;
      case "frontend" -> RecordType.FRONTEND;
      default -> throw new BuildException(Kind.INVALID, "invalid record type " + text);
    };
  }

  private static OptionalInt limit(Optional<String> text) {
    if (text.isEmpty()) {
      return OptionalInt.empty();
    }
    int limit;
    try {
      limit = Integer.parseInt(text.get());
    } catch (NumberFormatException e) {
      throw new BuildException(Kind.INVALID, "invalid layer limit " + text.get(), e);
    }
    if (limit <= 0) {
      throw new BuildException(Kind.INVALID, "invalid layer limit " + text.get());
    }
    return OptionalInt.of(limit);
  }

  /** Parses {@code host/path[:tag][@digest]}; Docker Hub's short names are not expanded here. */
  public static ImageRef reference(String text) {
    Matcher m = SPEC.matcher(text);
    if (!m.matches()) {
      throw new BuildException(
          Kind.INVALID, "invalid reference \"" + text + "\": hostname and object required");
    }
    String tag = m.group(3);
    String digest = m.group(4);
    if (digest != null && !Digest.isValid(digest)) {
      throw new BuildException(
          Kind.INVALID, "invalid reference \"" + text + "\": invalid checksum digest format");
    }
    if (digest == null && (tag == null || tag.isEmpty())) {
      throw new BuildException(Kind.INVALID, "invalid reference \"" + text + "\": object required");
    }
    return new ImageRef(
        m.group(1),
        m.group(2),
        Optional.ofNullable(tag).filter(t -> !t.isEmpty()),
        Optional.ofNullable(digest).map(Digest::new));
  }
}
