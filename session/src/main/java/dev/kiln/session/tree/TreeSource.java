package dev.kiln.session.tree;

import dev.kiln.sys.BytePath;
import java.io.IOException;
import java.io.InputStream;

/**
 * A tree that can be sent. {@link #walk} and {@link #open} may be called by different threads at
 * the same time.
 */
public interface TreeSource {
  /** Takes entries in {@link TreeOrder}; hard links name paths of the same walk. */
  @FunctionalInterface
  interface Visitor {
    void visit(TreeEntry entry) throws IOException, InterruptedException;
  }

  void walk(Visitor visitor) throws IOException, InterruptedException;

  /** The content of a regular file that was visited. The caller closes it. */
  InputStream open(BytePath path) throws IOException;
}
