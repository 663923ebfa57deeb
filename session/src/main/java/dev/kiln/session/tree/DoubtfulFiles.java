package dev.kiln.session.tree;

import dev.kiln.sys.BytePath;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Files that look unchanged, in a transfer that may come from another folder than the last one did.
 * Archives, checkouts and build tools give files of different content times in whole seconds, so
 * there equal metadata proves nothing. Where one entry has the same time to the nanosecond as the
 * copy, both are one folder's and all is believed. Confined to one thread.
 */
final class DoubtfulFiles {
  private final Map<Integer, TreeEntry> files = new LinkedHashMap<>();
  private final Set<BytePath> paths = new HashSet<>();
  private final List<TreeEntry> links = new ArrayList<>();
  private boolean believed;

  /**
   * @param believed whether the folder is known to be that of the copy
   */
  DoubtfulFiles(boolean believed) {
    this.believed = believed;
  }

  /** Takes note of an entry whose metadata is that of the copy. */
  void unchanged(TreeEntry old, TreeEntry entry, int id) {
    if (believed) {
      return;
    }
    if (entry.mtimeNanosOfSecond() != 0) {
      if (old.mtimeNanos() == entry.mtimeNanos()) {
        believed = true;
        files.clear();
        links.clear();
      }
    } else if (entry.isHardLink()) {
      if (paths.contains(entry.linkname())) {
        links.add(entry);
      }
    } else if (entry.isRegular()) {
      files.put(id, entry);
      paths.add(entry.path());
    }
  }

  /** By their numbers in the sender's list, once that has ended: all that have to be sent. */
  Map<Integer, TreeEntry> files() {
    return files;
  }

  /** Links to {@link #files}. */
  List<TreeEntry> links() {
    return links;
  }
}
