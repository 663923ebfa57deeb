package dev.kiln.daemon;

import dev.kiln.grpc.types.BuildkitVersion;
import java.util.Optional;

/**
 * What the daemon says it is. Clients read features off BuildKit's version number, so ours begins
 * with the one whose behaviour we have.
 */
final class Version {
  private static final String PACKAGE = "github.com/moby/buildkit";
  private static final String COMPATIBLE = "v0.22.0";

  private Version() {}

  static BuildkitVersion wire() {
    return BuildkitVersion.newBuilder()
        .setPackage(PACKAGE)
        .setVersion(COMPATIBLE + "+kiln." + own())
        .build();
  }

  /** What {@code --version} prints. */
  static String line() {
    return "buildkitd kiln " + own() + " (speaks " + PACKAGE + " " + COMPATIBLE + ")";
  }

  /** How the daemon names itself to registries and web servers. */
  static String userAgent() {
    return "buildkit/v0.22 kiln/" + own();
  }

  private static String own() {
    return Optional.ofNullable(Version.class.getPackage().getImplementationVersion()).orElse("dev");
  }
}
