package dev.kiln.gateway;

import akka.NotUsed;
import akka.stream.javadsl.Source;
import dev.kiln.grpc.gateway.ExecMessage;
import dev.kiln.grpc.gateway.NewContainerRequest;
import dev.kiln.llb.FrontendRef;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * The containers that one build's frontend runs, by the ids it gives them. Any thread; the bridge's
 * owner closes it.
 */
public interface Containers extends AutoCloseable {
  /**
   * @param refs finds a mount's ref by its id
   * @param told whether an id names a state that this build was told of in a failure; no other
   *     state of the store is mounted by its id
   */
  void create(
      NewContainerRequest request,
      Function<String, Optional<FrontendRef>> refs,
      Predicate<String> told)
      throws InterruptedException;

  /** Ends all processes of a container and lets it go; an unknown id is {@code NOT_FOUND}. */
  void release(String containerId) throws InterruptedException;

  /** Runs processes as one stream of messages asks; ends with the stream. */
  Source<ExecMessage, NotUsed> exec(Source<ExecMessage, NotUsed> in);

  @Override
  void close();
}
