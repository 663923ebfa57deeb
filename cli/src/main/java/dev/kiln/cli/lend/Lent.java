package dev.kiln.cli.lend;

import dev.kiln.cli.Output;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * All that a build lends. Immutable.
 *
 * @param directories by the name under which the daemon asks for them
 * @param outputs in the order of the request: an exporter's index is its id
 * @param sshAgents paths of agents' sockets by id
 * @param contentFolders OCI layouts by the ids of their stores
 */
public record Lent(
    Map<String, Path> directories,
    List<Output> outputs,
    Map<String, SecretSource> secrets,
    Map<String, Path> sshAgents,
    Map<String, Path> contentFolders) {
  public Lent {
    directories = Map.copyOf(directories);
    outputs = List.copyOf(outputs);
    secrets = Map.copyOf(secrets);
    sshAgents = Map.copyOf(sshAgents);
    contentFolders = Map.copyOf(contentFolders);
  }

  /** Where a secret's value is; the value itself is read when it is asked for. Immutable. */
  public sealed interface SecretSource {
    record InFile(Path path) implements SecretSource {}

    record InEnvironment(String variable) implements SecretSource {}
  }
}
