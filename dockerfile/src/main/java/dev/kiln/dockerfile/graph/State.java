package dev.kiln.dockerfile.graph;

import dev.kiln.dockerfile.shell.Environment;
import dev.kiln.grpc.pb.NetMode;
import dev.kiln.model.Platform;
import java.util.List;
import java.util.Optional;

/**
 * A file system to be and the settings of commands that run on it. Immutable.
 *
 * @param output empty for the empty file system
 * @param user empty for root
 * @param hostname empty for the default one
 */
public record State(
    Optional<Output> output,
    Environment environment,
    String directory,
    String user,
    String hostname,
    NetMode network,
    Optional<Platform> platform) {

  /** The empty file system. */
  public static State scratch() {
    return new State(
        Optional.empty(), Environment.EMPTY, "/", "", "", NetMode.UNSET, Optional.empty());
  }

  /** What {@code node} makes first. A node made for a platform gives the state that platform. */
  public static State of(Node node) {
    return of(new Output.Made(node, 0));
  }

  public static State of(Output output) {
    return scratch().withOutput(output);
  }

  public State withOutput(Output next) {
    Optional<Platform> made =
        next instanceof Output.Made(Node node, int _) ? node.platform() : Optional.empty();
    return new State(
        Optional.of(next),
        environment,
        directory,
        user,
        hostname,
        network,
        made.isPresent() ? made : platform);
  }

  public State withEnvironment(Environment to) {
    return new State(output, to, directory, user, hostname, network, platform);
  }

  public State withVariable(String name, String value) {
    return withEnvironment(environment.with(name, value));
  }

  public State withDirectory(String to) {
    return new State(output, environment, to, user, hostname, network, platform);
  }

  public State withUser(String to) {
    return new State(output, environment, directory, to, hostname, network, platform);
  }

  public State withHostname(String to) {
    return new State(output, environment, directory, user, to, network, platform);
  }

  public State withNetwork(NetMode to) {
    return new State(output, environment, directory, user, hostname, to, platform);
  }

  public State withPlatform(Platform to) {
    return new State(output, environment, directory, user, hostname, network, Optional.of(to));
  }

  /** This file system after {@code steps}. */
  public State file(List<FileStep> steps, NodeOptions options) {
    return withOutput(new Output.Made(new Node.File(output, directory, steps, options), 0));
  }

  /** The file system that {@code layers} give laid on each other; empty ones do not count. */
  public State merge(List<State> layers, NodeOptions options) {
    List<Output> outputs = layers.stream().map(State::output).flatMap(Optional::stream).toList();
    if (outputs.isEmpty()) {
      return this;
    }
    return withOutput(
        outputs.size() == 1
            ? outputs.getFirst()
            : new Output.Made(new Node.Merge(outputs, options.withCap("mergeop")), 0));
  }
}
