package dev.kiln.dockerfile;

import dev.kiln.dockerfile.image.ImageConfig;
import dev.kiln.model.GoJson;
import dev.kiln.model.Platform;
import java.util.List;

/** The values that tell exporters what a result is (features F-02, F-03). Pure. */
final class ResultMetadata {
  static final String CONFIG = "containerimage.config";
  static final String BASE_CONFIG = "containerimage.base.config";
  static final String PLATFORMS = "refs.platforms";

  private ResultMetadata() {}

  /** A platform of the result and the key of its ref. */
  record Exported(String id, Platform platform) {}

  /** Windows images say more of their system than was asked for. */
  static Exported exported(Platform platform, ImageConfig image) {
    Platform shown =
        platform.os().equals("windows")
            ? image
                .platform()
                .filter(p -> p.os().equals("windows"))
                .map(p ->
                    new Platform(
                        platform.os(),
                        platform.architecture(),
                        platform.variant(),
                        platform.osVersion().isEmpty() ? p.osVersion() : platform.osVersion(),
                        platform.osFeatures().isEmpty() ? p.osFeatures() : platform.osFeatures()))
                .orElse(platform)
            : platform;
    return new Exported(platform.format(), shown);
  }

  static byte[] platforms(List<Exported> platforms) {
    return GoJson.object()
        .raw("Platforms", GoJson.array(platforms.stream().map(ResultMetadata::json).toList()))
        .toBytes();
  }

  private static String json(Exported exported) {
    Platform p = exported.platform();
    return GoJson.object()
        .text("ID", exported.id())
        .raw(
            "Platform",
            GoJson.object()
                .text("architecture", p.architecture())
                .text("os", p.os())
                .textIfSet("os.version", p.osVersion())
                .textsIfSet("os.features", p.osFeatures())
                .textIfSet("variant", p.variant())
                .toString())
        .toString();
  }
}
