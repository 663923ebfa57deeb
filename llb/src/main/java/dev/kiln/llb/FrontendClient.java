package dev.kiln.llb;

import dev.kiln.grpc.pb.Definition;
import dev.kiln.model.Progress;
import java.util.Map;

/**
 * What a frontend may ask of the daemon while it runs. Every method may block and throws {@link
 * dev.kiln.model.BuildException}; all may be called from several threads.
 */
public interface FrontendClient {
  /**
   * Solves a definition or another frontend. Without {@link SolveRequest#evaluate} the refs are
   * lazy: they are built when something of them is read.
   */
  FrontendResult solve(SolveRequest request) throws InterruptedException;

  /** The digest and configuration of an image. */
  ImageMeta resolveImage(ImageQuery query) throws InterruptedException;

  BuildInfo info();

  /** Shows the user a warning at its vertex. */
  void warn(Progress.Warning warning);

  /** The definitions that the client gave, by name. */
  Map<String, Definition> inputs();
}
