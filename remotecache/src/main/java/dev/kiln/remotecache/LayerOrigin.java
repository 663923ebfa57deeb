package dev.kiln.remotecache;

import dev.kiln.store.BlobSource;

/** Where the layers of an imported cache lie. Any thread. */
interface LayerOrigin extends BlobSource {
  /** Whether layers can still be had when the build is over. */
  boolean lasting();
}
