package dev.kiln.daemon;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the folders that the daemon needs, with all above them that are missing. Whoever may write
 * there decides what builds give, so modes do not depend on the umask. Modes are BuildKit's (v0.22,
 * as its daemon makes them). Blocks on the disk.
 */
final class Folders {
  private static final Logger LOG = LoggerFactory.getLogger(Folders.class);
  private static final Set<PosixFilePermission> OWNERS =
      PosixFilePermissions.fromString("rwx------");
  private static final Set<PosixFilePermission> GROUPS =
      PosixFilePermissions.fromString("rwxrwx---");
  private static final int OTHERS_WRITE = 0002;
  private static final int STICKY = 01000;

  private Folders() {}

  /** The folder of the state: its owner's alone where it is new, or was open to all. */
  static void makeState(Path folder) throws IOException {
    try {
      Files.createDirectories(folder, PosixFilePermissions.asFileAttribute(OWNERS));
    } catch (FileAlreadyExistsException e) {
      throw new IOException("cannot make the folder " + folder + ": something else is there", e);
    }
    if (isOpen(folder)) {
      LOG.warn("anybody could write to {}: it becomes its owner's alone", folder);
      Files.setPosixFilePermissions(folder, OWNERS);
    }
  }

  /**
   * A folder for sockets: members of its group reach them, and nobody else can take their place.
   * One that is there already is its maker's affair.
   *
   * @param uid who shall own what is new, and {@code gid} its group; -1: as it comes
   */
  static void makeForSockets(Path folder, int uid, int gid) throws IOException {
    if (Files.exists(folder)) {
      if (isOpen(folder)) {
        LOG.warn("anybody can write to {}, and so put a socket in the daemon's place", folder);
      }
      return;
    }
    Path above = folder.getParent();
    if (above != null && !Files.exists(above)) {
      makeForSockets(above, uid, gid);
    }
    Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(GROUPS));
    Files.setPosixFilePermissions(folder, GROUPS); // whatever the umask
    own(folder, uid, gid);
  }

  /** Whether others may remove what is not theirs. */
  private static boolean isOpen(Path folder) throws IOException {
    int mode = (int) Files.getAttribute(folder, "unix:mode");
    return (mode & (OTHERS_WRITE | STICKY)) == OTHERS_WRITE;
  }

  /**
   * Hands {@code path} to a user and a group.
   *
   * @param uid and {@code gid}: -1 leaves it as it is
   */
  static void own(Path path, int uid, int gid) throws IOException {
    if (uid >= 0) {
      Files.setAttribute(path, "unix:uid", uid);
    }
    if (gid >= 0) {
      Files.setAttribute(path, "unix:gid", gid);
    }
  }
}
