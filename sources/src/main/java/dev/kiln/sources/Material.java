package dev.kiln.sources;

import dev.kiln.model.Digest;
import dev.kiln.model.Platform;
import java.util.List;
import java.util.Optional;

/**
 * What a build took from outside, for its provenance. Immutable. Pins are empty until they are
 * resolved; names and passwords in URLs are masked. (BuildKit v0.22 {@code source/…/identifier.go},
 * {@code Capture}.)
 */
public sealed interface Material {
  /**
   * @param local whether it came from a client's OCI layout
   */
  record Image(String ref, Optional<Platform> platform, Optional<Digest> digest, boolean local)
      implements Material {}

  /**
   * @param url with {@code #ref} where one was asked for
   * @param secrets ids of secrets that may have been used
   * @param ssh ids of ssh agents that may have been used
   */
  record Git(String url, String commit, List<String> secrets, List<String> ssh)
      implements Material {
    public Git {
      secrets = List.copyOf(secrets);
      ssh = List.copyOf(ssh);
    }
  }

  record Http(String url, Optional<Digest> digest) implements Material {}

  record Local(String name) implements Material {}
}
