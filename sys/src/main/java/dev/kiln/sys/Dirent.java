package dev.kiln.sys;

/**
 * One entry of a directory. Immutable.
 *
 * @param type one of {@code Stat.S_IF*}, or 0 where the file system does not tell
 */
public record Dirent(BytePath name, long ino, int type) {
  public boolean isDirectory() {
    return type == Stat.S_IFDIR;
  }
}
