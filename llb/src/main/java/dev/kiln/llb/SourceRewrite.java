package dev.kiln.llb;

import dev.kiln.model.Platform;
import java.util.Optional;

/** Sees each source op of a definition before it is keyed: a source policy. Any thread. */
@FunctionalInterface
public interface SourceRewrite {
  /** Changes nothing. */
  SourceRewrite NONE = (op, platform) -> Optional.empty();

  /**
   * The op to use instead, or nothing to keep {@code op}.
   *
   * @throws dev.kiln.model.BuildException {@code DENIED} where the source is not allowed
   */
  Optional<SourceOp> rewrite(SourceOp op, Optional<Platform> platform);
}
