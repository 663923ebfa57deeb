package dev.kiln.llb;

import java.util.List;
import java.util.Optional;

/**
 * One change of a file op. {@code timestampNanos} counts from the epoch, -1 says that the client
 * set none. Immutable ({@code MkFile.content} is never written to).
 */
public sealed interface FileAction {
  /** Who owns what it makes; absent where it makes nothing or the op does not say. */
  Optional<Owner> owner();

  /**
   * Copies {@code source} of the action's secondary input to {@code dest} of its input.
   *
   * @param mode permission bits, -1 keeps those of the source
   * @param modeText as {@code chmod} takes it, empty where {@code mode} holds
   */
  record Copy(
      String source,
      String dest,
      Optional<Owner> owner,
      int mode,
      String modeText,
      boolean followSymlink,
      boolean dirCopyContents,
      boolean attemptUnpack,
      boolean createDestPath,
      boolean allowWildcard,
      boolean allowEmptyWildcard,
      long timestampNanos,
      List<String> includePatterns,
      List<String> excludePatterns,
      boolean alwaysReplaceExistingDestPaths)
      implements FileAction {
    public Copy {
      includePatterns = List.copyOf(includePatterns);
      excludePatterns = List.copyOf(excludePatterns);
    }
  }

  /** Writes a file with this content. */
  record MkFile(String path, int mode, byte[] content, Optional<Owner> owner, long timestampNanos)
      implements FileAction {}

  /** Makes a directory; one that is there already is fine. */
  record MkDir(
      String path, int mode, boolean makeParents, Optional<Owner> owner, long timestampNanos)
      implements FileAction {}

  /** Removes a file or tree. */
  record Rm(String path, boolean allowNotFound, boolean allowWildcard) implements FileAction {
    @Override
    public Optional<Owner> owner() {
      return Optional.empty();
    }
  }

  /** Makes {@code newPath} a symbolic link to {@code oldPath}. */
  record Symlink(String oldPath, String newPath, Optional<Owner> owner, long timestampNanos)
      implements FileAction {}

  /** Who owns what an action makes; an absent part is root. */
  record Owner(Optional<UserRef> user, Optional<UserRef> group) {}

  /** A user or group. */
  sealed interface UserRef {}

  /** By number (unsigned, 32 bits). */
  record ById(long id) implements UserRef {}

  /**
   * By name, looked up in the {@code /etc/passwd} or {@code /etc/group} of an input.
   *
   * @param input an index as {@link FileOp.Step#input}
   */
  record ByName(String name, int input) implements UserRef {}
}
