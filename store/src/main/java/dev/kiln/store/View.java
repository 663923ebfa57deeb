package dev.kiln.store;

import dev.kiln.sys.Mount;
import java.nio.file.Path;
import java.util.List;

/** A state mounted read-only, shared by all who view it. Who asked for it closes it. */
public interface View extends AutoCloseable {
  Path root();

  /** The same as something to bind into a container. */
  List<Mount> mounts();

  @Override
  void close();
}
