package dev.kiln.llb;

import dev.kiln.grpc.pb.Definition;
import java.util.Map;

/**
 * Turns a client's options into a result by solving definitions: a Dockerfile, or a program in a
 * container. Called on a virtual thread, one call a build; an interrupt cancels it.
 */
@FunctionalInterface
public interface Frontend {
  /**
   * Blocks until the result is known; what its refs stand for may not have been built yet.
   *
   * @param opts the client's options by key
   * @param inputs definitions that the client gives by name
   * @throws dev.kiln.model.BuildException what the user can understand
   */
  FrontendResult solve(
      FrontendClient client, Map<String, String> opts, Map<String, Definition> inputs)
      throws InterruptedException;
}
