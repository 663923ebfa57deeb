package dev.kiln.exporters;

import dev.kiln.exporters.files.FilesExporter;
import dev.kiln.exporters.image.ArchiveExporter;
import dev.kiln.exporters.image.ImageExporter;
import dev.kiln.model.BuildException;
import dev.kiln.model.Kind;
import dev.kiln.registry.Credentials;
import dev.kiln.registry.Registry;
import dev.kiln.session.Sessions;
import dev.kiln.store.Store;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Makes exporters by the type that a client names. Any thread. */
public final class Exporters {
  private final Store store;
  private final Clients clients;
  private final Registry registry;
  private final Function<List<String>, Credentials> credentials;

  /**
   * @param credentials of clients for registries, by their sessions
   */
  public Exporters(
      Store store,
      Sessions sessions,
      Registry registry,
      Function<List<String>, Credentials> credentials) {
    this.store = store;
    this.clients = new Clients(sessions);
    this.registry = registry;
    this.credentials = credentials;
  }

  /**
   * The exporter that one request names.
   *
   * @param id its position among the build's exports
   * @throws BuildException for an unknown type or an option that cannot be understood
   */
  public Exporter resolve(String type, int id, Map<String, String> attributes) {
    return switch (type) {
      case "image" -> new ImageExporter(store, registry, credentials, id, attributes);
      case "oci" ->
          new ArchiveExporter(store, clients, ArchiveExporter.Variant.OCI, id, attributes);
      case "docker" ->
          new ArchiveExporter(store, clients, ArchiveExporter.Variant.DOCKER, id, attributes);
      case "local" ->
          new FilesExporter(store.refs(), clients, FilesExporter.Way.LOCAL, id, attributes);
      case "tar" -> new FilesExporter(store.refs(), clients, FilesExporter.Way.TAR, id, attributes);
      default ->
          throw new BuildException(Kind.UNKNOWN, "exporter \"" + type + "\" could not be found");
    };
  }
}
