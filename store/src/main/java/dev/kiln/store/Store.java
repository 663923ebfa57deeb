package dev.kiln.store;

import dev.kiln.store.content.ContentStore;

/**
 * Everything this module keeps below one directory. Opened once, by the daemon, off the boot path;
 * closed by it after the last build.
 */
public interface Store extends AutoCloseable {
  ContentStore content();

  Refs refs();

  Leases leases();

  /** {@code overlayfs} or {@code native}. */
  String snapshotterName();

  @Override
  void close();
}
