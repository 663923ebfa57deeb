package dev.kiln.remotecache;

import dev.kiln.actors.CacheTable;
import dev.kiln.actors.ResultLease;
import dev.kiln.exporters.Attributes;
import dev.kiln.llb.CacheImport;
import dev.kiln.model.BuildException;
import dev.kiln.model.Digest;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Kind;
import dev.kiln.model.StepProgress;
import dev.kiln.registry.Credentials;
import dev.kiln.registry.Registry;
import dev.kiln.session.Sessions;
import dev.kiln.sources.image.LayoutOrigin;
import dev.kiln.sources.image.RegistryOrigin;
import dev.kiln.store.Compression;
import dev.kiln.store.Lease;
import dev.kiln.store.Store;
import java.io.IOException;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** The kinds of remote caches, by the types and attributes that clients name. Any thread. */
public final class RemoteCaches {
  private static final String LOCAL = "local:";

  private final Store store;
  private final Registry registry;
  private final Sessions sessions;
  private final Function<List<String>, Credentials> credentials;
  private final Function<ResultLease, Lease> leases;
  private final Map<String, String> environment;
  private final Clock clock;
  private final GhaHttp github;

  /**
   * @param credentials of clients for registries, by their sessions
   * @param leases the store's lease behind the one that the solver gives
   * @param environment of the daemon, where clients leave options of services to it
   * @param userAgent how the daemon names itself to services
   */
  public RemoteCaches(
      Store store,
      Registry registry,
      Sessions sessions,
      Function<List<String>, Credentials> credentials,
      Function<ResultLease, Lease> leases,
      Map<String, String> environment,
      String userAgent,
      Clock clock) {
    this.store = store;
    this.registry = registry;
    this.sessions = sessions;
    this.credentials = credentials;
    this.leases = leases;
    this.environment = Map.copyOf(environment);
    this.clock = clock;
    this.github = new GhaHttp(new Backoff(clock, Thread::sleep), userAgent);
  }

  Store store() {
    return store;
  }

  Lease lease(ResultLease of) {
    return leases.apply(of);
  }

  /**
   * The export that a client asks for.
   *
   * @throws BuildException for an unknown type or an option that cannot be understood
   */
  public CacheExport export(CacheImport asked, String sessionId) {
    try {
      Map<String, String> attrs = asked.attrs();
      var options = new Attributes(attrs);
      return switch (asked.type()) {
        case "inline" ->
            CacheExport.of(
                "inline", "exporting inline cache", attrs, Compression.GZIP, Optional.empty());
        case "registry" -> {
          ImageRef ref = ref(attrs);
          var place =
              new RegistryPlace(
                  registry,
                  store,
                  ref,
                  options.strictFlag("registry.insecure", false),
                  credentials.apply(List.of(sessionId)));
          yield written("registry", "exporting cache to registry", attrs, options, place);
        }
        case "local" -> {
          String folder = required(attrs, "dest", "local cache exporter requires dest");
          var place = new ClientPlace(sessions, store, sessionId, LOCAL + folder);
          yield written("local", "exporting cache to client directory", attrs, options, place);
        }
        case "s3" -> kept("s3", "exporting cache to Amazon S3", attrs, s3(attrs));
        case "azblob" ->
            kept("azblob", "exporting cache to Azure Blob Storage", attrs, azure(attrs));
        case "gha" -> kept("gha", "exporting to GitHub Actions Cache", attrs, gha(attrs));
        default ->
            throw new BuildException(
                Kind.UNKNOWN, "unknown cache exporter: \"" + asked.type() + "\"");
      };
    } catch (BuildException e) {
      throw e.getMessage().startsWith("unknown cache exporter")
          ? e
          : e.wrap("failed to configure " + asked.type() + " cache exporter");
    }
  }

  private static CacheExport written(
      String type,
      String name,
      Map<String, String> attrs,
      Attributes options,
      ManifestTarget.Place place) {
    Compression compression = options.compression();
    var target = new ManifestTarget(ManifestTarget.Form.of(options), place);
    return CacheExport.of(type, name, attrs, compression, Optional.of(target));
  }

  private static CacheExport kept(
      String type, String name, Map<String, String> attrs, ObjectCache in) {
    return CacheExport.of(type, name, attrs, Compression.GZIP, Optional.of(in));
  }

  private ObjectCache azure(Map<String, String> attrs) {
    AzureOptions options = AzureOptions.of(attrs, environment);
    return new ObjectCache(
        Lazily.of(() -> AzureStore.open(options)), options.layout(), store.content(), clock);
  }

  /** The client of S3 is opened when it is first used. */
  private ObjectCache s3(Map<String, String> attrs) {
    S3Options options = S3Options.of(attrs, environment);
    return new ObjectCache(
        Lazily.of(() -> S3Store.open(options)), options.layout(), store.content(), clock);
  }

  private ObjectCache gha(Map<String, String> attrs) {
    GhaOptions options = GhaOptions.of(attrs, clock.instant());
    return new ObjectCache(
        Lazily.of(() -> GhaStore.open(options, github)), options.layout(), store.content(), clock);
  }

  private static ImageRef ref(Map<String, String> attrs) {
    return ImageRef.parseNormalized(required(attrs, "ref", "missing ref"));
  }

  private static String required(Map<String, String> attrs, String key, String otherwise) {
    String value = attrs.getOrDefault(key, "");
    if (value.isEmpty()) {
      throw new BuildException(Kind.INVALID, otherwise);
    }
    return value;
  }

  /**
   * Equal for imports of the same cache, whoever may read it (BuildKit v0.22.0, {@code
   * solver/llbsolver/bridge.go}, where secrets count).
   */
  static String id(CacheImport asked) {
    String ref = asked.attrs().getOrDefault("ref", "");
    if (asked.type().equals("registry") && !ref.isEmpty()) {
      return ref;
    }
    String attrs = asked.shown().toString();
    return asked.type() + ":" + Digest.of(asked.type() + attrs).hex().substring(0, 16);
  }

  /**
   * Reads the keys of an imported cache; blocks.
   *
   * @param lease keeps what is read
   * @throws BuildException why it cannot be imported
   */
  CacheTable open(CacheImport asked, String sessionId, Lease lease, StepProgress progress)
      throws IOException, InterruptedException {
    try {
      return switch (asked.type()) {
        case "s3" -> of(s3(asked.attrs()), asked);
        case "azblob" -> of(azure(asked.attrs()), asked);
        case "gha" -> of(gha(asked.attrs()), asked);
        default -> {
          CacheOrigin origin = origin(asked, sessionId);
          var table = new ImportedTable(id(asked), new ImportedResults(store, origin, leases));
          yield new CacheReader(store, origin, lease, progress, table).read();
        }
      };
    } catch (BuildException e) {
      throw e.getMessage().startsWith("unknown cache importer")
          ? e
          : e.wrap("failed to configure " + asked.type() + " cache importer");
    }
  }

  private CacheTable of(ObjectCache cache, CacheImport asked)
      throws IOException, InterruptedException {
    var table = new ImportedTable(id(asked), new ImportedResults(store, cache, leases));
    cache.read(table);
    return table.table();
  }

  private CacheOrigin origin(CacheImport asked, String sessionId) {
    Map<String, String> attrs = asked.attrs();
    return switch (asked.type()) {
      case "registry" -> {
        boolean insecure = new Attributes(attrs).strictFlag("registry.insecure", false);
        Registry from = insecure ? registry.pullingInsecurely() : registry;
        yield new CacheOrigin(
            new RegistryOrigin(from, credentials), ref(attrs), List.of(sessionId));
      }
      case "local" -> {
        String digest = required(attrs, "digest", "local cache importer requires explicit digest");
        String folder = required(attrs, "src", "local cache importer requires src");
        if (!Digest.isValid(digest)) {
          throw new BuildException(Kind.INVALID, "invalid digest \"" + digest + "\"");
        }
        ImageRef ref = ImageRef.parse("local/cache").withDigest(new Digest(digest));
        yield new CacheOrigin(
            new LayoutOrigin(sessions, sessionId, LOCAL + folder), ref, List.of(sessionId));
      }
      default -> throw new BuildException(Kind.UNKNOWN, "unknown cache importer: " + asked.type());
    };
  }
}
