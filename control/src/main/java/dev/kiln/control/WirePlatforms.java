package dev.kiln.control;

import dev.kiln.model.Platform;

/** Platforms on the wire. */
final class WirePlatforms {
  private WirePlatforms() {}

  static dev.kiln.grpc.pb.Platform platform(Platform platform) {
    return dev.kiln.grpc.pb.Platform.newBuilder()
        .setOS(platform.os())
        .setArchitecture(platform.architecture())
        .setVariant(platform.variant())
        .setOSVersion(platform.osVersion())
        .addAllOSFeatures(platform.osFeatures())
        .build();
  }
}
