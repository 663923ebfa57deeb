package dev.kiln.llb;

import java.util.Optional;
import java.util.OptionalLong;

/** What kind of thing an exec op's mount is. Immutable. */
public sealed interface MountOptions {
  /** A file system: an input's, an empty one, or a previous result. */
  record Bind() implements MountOptions {}

  /** A secret of a session as a file; {@code id} names it, never its value. */
  record Secret(String id, int uid, int gid, int mode, boolean optional) implements MountOptions {}

  /** A socket to an SSH agent that a session lends. */
  record Ssh(String id, int uid, int gid, int mode, boolean optional) implements MountOptions {}

  /**
   * A directory that persists between builds. {@code id} is empty where the client named none.
   *
   * @param options absent where the message lacked them, which an exec op refuses when it runs
   */
  record Cache(Optional<CacheOptions> options) implements MountOptions {}

  /** Memory; {@code sizeBytes} is absent where the client said nothing, 0 is without limit. */
  record Tmpfs(OptionalLong sizeBytes) implements MountOptions {}

  /** Name and sharing of a cache mount. */
  record CacheOptions(String id, CacheSharing sharing) {}

  /** Who may use a cache mount at the same time: all, each its own, or one after the other. */
  enum CacheSharing {
    SHARED,
    PRIVATE,
    LOCKED
  }
}
