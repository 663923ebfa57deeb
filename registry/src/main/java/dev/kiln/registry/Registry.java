package dev.kiln.registry;

import com.google.re2j.Pattern;
import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Kind;
import dev.kiln.model.MediaTypes;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * The daemon's client of all registries. Any thread; every call blocks and ends early with {@code
 * CANCELED} when its thread is interrupted. Failures are {@link BuildException}s: {@code
 * NOT_FOUND}, {@code DENIED} for refused credentials, {@code UNAVAILABLE} where nobody answers,
 * else {@code UNKNOWN}. {@link #close} ends its connections.
 *
 * <p>Sources: OCI distribution-spec v1.1; the order of hosts and the messages are those of
 * containerd v2 {@code core/remotes/docker}.
 */
public final class Registry implements AutoCloseable {
  /** Larger manifests are refused. */
  static final long MANIFEST_LIMIT = 4L << 20;

  /** Larger configurations too. */
  private static final long SMALL_LIMIT = 8L << 20;

  private static final int MANY_GRANTS = 512;

  private static final String RESOLVE_ACCEPT =
      String.join(
          ", ",
          MediaTypes.DOCKER_MANIFEST,
          MediaTypes.DOCKER_INDEX,
          MediaTypes.OCI_MANIFEST,
          MediaTypes.OCI_INDEX,
          "*/*");

  private static final Pattern LENGTH = Pattern.compile("[0-9]{1,18}");

  private final Endpoints endpoints;
  private final String userAgent;
  private final Clock clock;
  private final TokenServer tokenServer;
  private final HostPermits permits;
  private final ConcurrentMap<String, Grants> grants;
  private final Flights<String, byte[]> smallFetches;
  final Retries retries;
  private final boolean insecurePulls;

  public Registry(RegistryHosts hosts, String userAgent) {
    this(hosts, userAgent, new Retries(Registry::wait));
  }

  Registry(RegistryHosts hosts, String userAgent, Retries retries) {
    this(hosts, userAgent, retries, Patience.USUAL, Clock.systemUTC());
  }

  Registry(RegistryHosts hosts, String userAgent, Retries retries, Patience patience, Clock clock) {
    this.endpoints = new Endpoints(hosts, patience);
    this.userAgent = userAgent;
    this.retries = retries;
    this.clock = clock;
    this.tokenServer = new TokenServer(new Anywhere(endpoints), userAgent, clock);
    this.permits = new HostPermits();
    this.grants = new ConcurrentHashMap<>();
    this.smallFetches = new Flights<>();
    this.insecurePulls = false;
  }

  private Registry(Registry of) {
    this.endpoints = of.endpoints;
    this.userAgent = of.userAgent;
    this.retries = of.retries;
    this.clock = of.clock;
    this.tokenServer = of.tokenServer;
    this.permits = of.permits;
    this.grants = of.grants;
    this.smallFetches = of.smallFetches;
    this.insecurePulls = true;
  }

  /**
   * This client, pulling from the host itself (no mirrors) without verifying it, or without TLS. It
   * is closed with this one.
   */
  public Registry pullingInsecurely() {
    return new Registry(this);
  }

  private static void wait(Duration time) throws InterruptedException {
    // Nothing counts it down: an interruptible wait.
    boolean early = new CountDownLatch(1).await(time.toMillis(), TimeUnit.MILLISECONDS);
    if (early) {
      throw new AssertionError("nobody ends this wait");
    }
  }

  /** The realm is often another host; its own configuration says how it is reached. */
  private record Anywhere(Endpoints endpoints) implements TokenServer.Sender {
    @Override
    public HttpResponse<InputStream> send(HttpRequest request)
        throws IOException, InterruptedException {
      return endpoints.forPull(Locations.authority(request.uri())).getLast().send(request);
    }

    @Override
    public boolean isPlain(String host) {
      return endpoints.isPlain(host);
    }
  }

  /** Where downloaded bytes go, in order; a broken connection goes on after what is written. */
  public interface BlobSink {
    /** How many bytes are written already. */
    long written() throws IOException;

    void write(byte[] bytes, int offset, int length) throws IOException;

    /** The digest of all that is written. */
    Digest digest();

    /** Forgets what is written. */
    void reset() throws IOException;
  }

  /**
   * The descriptor that a reference names now, by one request (or two, of registries that do not
   * say the digest).
   *
   * @param log told of waits that a registry asks for
   */
  public Descriptor resolve(ImageRef ref, Credentials who, Consumer<String> log) {
    return guarded(() -> retries.whenAsked(() -> resolveOnce(ref, who), log));
  }

  private Descriptor resolveOnce(ImageRef ref, Credentials who)
      throws IOException, InterruptedException {
    Optional<Digest> pinned = ref.digest();
    String object =
        pinned
            .map(Digest::value)
            .or(ref::tag)
            .orElseThrow(() -> new BuildException(Kind.INVALID, "object required"));
    // A digest may also name a blob that is no manifest.
    List<String> things =
        pinned.isPresent()
            ? List.of("manifests/" + object, "blobs/" + object)
            : List.of("manifests/" + object);
    Foremost failure = new Foremost();
    for (String thing : things) {
      for (Endpoint endpoint : endpoints(ref)) {
        try {
          return resolveAt(exchange(endpoint, ref, who), ref, thing);
        } catch (Refused e) {
          failure.offer(e.rank, e.failure);
        } catch (BuildException e) {
          if (e.kind() == Kind.CANCELED) {
            throw e;
          }
          failure.offer(
              1,
              e.kind() == Kind.DENIED && e.getMessage().startsWith("server message")
                  ? e.wrap(
                      "pull access denied, repository does not exist or may require authorization")
                  : e);
        } catch (IOException e) {
          if (Thread.currentThread().isInterrupted()) {
            throw e;
          }
          failure.offer(1, e);
        }
      }
    }
    throw failure.orElse(new BuildException(Kind.NOT_FOUND, ref + ": not found"));
  }

  /** What one host answered that is no descriptor. */
  private static final class Refused extends Exception {
    private static final long serialVersionUID = 1L;
    final int rank;
    final Exception failure;

    Refused(int rank, Exception failure) {
      super(failure);
      this.rank = rank;
      this.failure = failure;
    }
  }

  private static Descriptor resolveAt(Exchange exchange, ImageRef ref, String thing)
      throws IOException, InterruptedException, Refused {
    boolean manifest = thing.startsWith("manifests/");
    URI uri = exchange.endpoint().uri(ref.domain(), ref.path(), thing, "");
    Descriptor found;
    try (Answer head = new Answer(exchange.run(uri, b -> accept(b.HEAD())))) {
      int status = head.response.statusCode();
      if (status == 404) {
        throw new Refused(2, new BuildException(Kind.NOT_FOUND, ref + ": not found"));
      }
      if (status > 299) {
        throw new Refused(3, exchange.failure(head.response));
      }
      Optional<Descriptor> described = described(head.response, ref.digest());
      found =
          described.isPresent()
              ? described.get()
              : readDescriptor(exchange, uri, ref.digest(), manifest);
    }
    if (manifest && found.mediaType().startsWith("text/")) {
      throw new IOException(
          exchange.endpoint().host() + " answered with a page instead of a manifest for " + ref);
    }
    if (manifest && found.sizeBytes() > MANIFEST_LIMIT) {
      throw new Refused(
          4,
          new BuildException(
              Kind.NOT_FOUND,
              "rejecting " + found.sizeBytes() + " byte manifest for " + ref + ": not found"));
    }
    return found;
  }

  /** Keeps the failure that came furthest, the first of its kind. */
  private static final class Foremost {
    private int rank;
    private Optional<Exception> kept = Optional.empty();

    void offer(int rankNow, Exception e) {
      if (rankNow > rank) {
        rank = rankNow;
        kept = Optional.of(e);
      }
    }

    BuildException orElse(BuildException other) throws IOException {
      return switch (kept.orElse(other)) {
        case IOException e -> throw e;
        case BuildException e -> e;
        case Exception e -> throw new AssertionError(e);
      };
    }
  }

  /** Closes the body. */
  private record Answer(HttpResponse<InputStream> response) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      response.body().close();
    }
  }

  private static String mediaType(HttpResponse<?> response) {
    String type = response.headers().firstValue("Content-Type").orElse("");
    int parameters = type.indexOf(';');
    return (parameters < 0 ? type : type.substring(0, parameters)).strip();
  }

  /** What the headers alone say; empty where they say too little. */
  private static Optional<Descriptor> described(HttpResponse<?> response, Optional<Digest> pinned) {
    long size = contentLength(response).orElse(-1L);
    Optional<Digest> digest =
        pinned.or(() ->
            response.headers().firstValue("Docker-Content-Digest").map(Registry::headerDigest));
    return size < 0
        ? Optional.empty()
        : digest.map(d -> new Descriptor(mediaType(response), d, size));
  }

  private static Digest headerDigest(String text) {
    if (!Digest.isValid(text)) {
      throw new BuildException(Kind.UNKNOWN, "\"" + text + "\" in header not a valid digest");
    }
    return new Digest(text);
  }

  /** How long the body is by its own word. */
  static Optional<Long> contentLength(HttpResponse<?> response) {
    return response
        .headers()
        .firstValue("Content-Length")
        .filter(text -> LENGTH.matcher(text).matches())
        .map(Long::parseLong);
  }

  private static Descriptor readDescriptor(
      Exchange exchange, URI uri, Optional<Digest> pinned, boolean manifest)
      throws IOException, InterruptedException {
    HttpResponse<InputStream> response = exchange.run(uri, b -> accept(b.GET()));
    if (response.statusCode() > 299) {
      throw exchange.failure(response);
    }
    try (InputStream in = response.body()) {
      byte[] bytes = in.readNBytes((int) MANIFEST_LIMIT + 1);
      if (manifest && bytes.length <= MANIFEST_LIMIT) {
        checkManifest(exchange, bytes);
      }
      return new Descriptor(
          mediaType(response), pinned.orElseGet(() -> Digest.of(bytes)), bytes.length);
    }
  }

  private static void checkManifest(Exchange exchange, byte[] bytes) {
    try {
      Manifests.mediaType(bytes);
    } catch (BuildException e) { // a proxy's page, for example
      throw e.wrap(exchange.endpoint().host() + " answered with no manifest");
    }
  }

  /**
   * The bytes of a manifest, config or other small blob, verified. Callers that want the same at
   * the same time share one request.
   *
   * @param log told of failures that are tried again
   */
  public byte[] small(ImageRef ref, Descriptor blob, Credentials who, Consumer<String> log) {
    return guarded(() ->
        smallFetches.join(
            purpose() + "::" + ref.repository() + "@" + blob.digest() + "?" + who.sessions(),
            () -> retries.run(() -> smallOnce(ref, blob, who), log)));
  }

  private byte[] smallOnce(ImageRef ref, Descriptor blob, Credentials who)
      throws IOException, InterruptedException {
    var sink = new MemorySink();
    try (HostPermits.Permit _ = permits.take(ref.domain(), true)) {
      new Download(ref, blob, exchanges(ref, who), SMALL_LIMIT).into(sink);
    }
    return sink.bytes();
  }

  /**
   * Downloads a blob of any size into {@code sink}, going on where a broken connection ended. It is
   * as long as its descriptor says, and what its digest says.
   *
   * @param log told of failures that are tried again
   */
  public void download(
      ImageRef ref, Descriptor blob, Credentials who, BlobSink sink, Consumer<String> log) {
    guarded(() ->
        retries.run(
            () -> {
              boolean small = blob.mediaType().endsWith("+json");
              try (HostPermits.Permit _ = permits.take(ref.domain(), small)) {
                new Download(ref, blob, exchanges(ref, who), Long.MAX_VALUE).into(sink);
              }
              return true;
            },
            log));
  }

  private List<Exchange> exchanges(ImageRef ref, Credentials who) {
    return endpoints(ref).stream().map(endpoint -> exchange(endpoint, ref, who)).toList();
  }

  /**
   * A push to the repository of {@code ref}.
   *
   * @param insecure speak to the registry without verifying it, or without TLS
   */
  public Push push(ImageRef ref, boolean insecure, Credentials who) {
    return new Push(this, ref, insecure, who);
  }

  HostPermits.Permit permit(String domain, boolean small) throws InterruptedException {
    return permits.take(domain, small);
  }

  Exchange pushExchange(ImageRef ref, boolean insecure, Credentials who, List<String> moreScopes) {
    Endpoint endpoint =
        insecure ? endpoints.insecure(ref.domain()) : endpoints.forPull(ref.domain()).getLast();
    String purpose = String.join(":", who.sessions()) + (insecure ? "::push:insecure" : "::push");
    return exchange(endpoint, purpose, ref, who, true, moreScopes);
  }

  private List<Endpoint> endpoints(ImageRef ref) {
    return insecurePulls
        ? List.of(endpoints.insecure(ref.domain()))
        : endpoints.forPull(ref.domain());
  }

  private String purpose() {
    return insecurePulls ? "pull:insecure" : "pull";
  }

  private Exchange exchange(Endpoint endpoint, ImageRef ref, Credentials who) {
    return exchange(endpoint, purpose(), ref, who, false, List.of());
  }

  private Exchange exchange(
      Endpoint endpoint,
      String purpose,
      ImageRef ref,
      Credentials who,
      boolean push,
      List<String> moreScopes) {
    if (grants.size() > MANY_GRANTS) {
      grants.values().removeIf(Grants::isEmpty);
    }
    // A token that may write is never shared with another client.
    Grants of =
        grants.computeIfAbsent(
            purpose + "::" + ref.repository(), _ -> new Grants(tokenServer, clock));
    var scopes = new java.util.ArrayList<>(List.of(Scopes.repository(ref.path(), push)));
    scopes.addAll(moreScopes);
    return new Exchange(endpoint, of, who, scopes, userAgent);
  }

  private static void accept(HttpRequest.Builder request) {
    request.header("Accept", RESOLVE_ACCEPT);
  }

  interface Blocks<T> {
    T run() throws IOException, InterruptedException;
  }

  static <T> T guarded(Blocks<T> work) {
    try {
      return work.run();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw BuildException.of(e);
    } catch (IOException e) {
      if (Thread.currentThread().isInterrupted()) {
        throw new BuildException(Kind.CANCELED, "context canceled", e);
      }
      throw failed(e);
    }
  }

  private static BuildException failed(IOException e) {
    String message = e.getMessage() == null ? e.toString() : e.getMessage();
    Kind kind =
        switch (e) {
          case UnexpectedStatus s when s.status() == 401 || s.status() == 403 -> Kind.DENIED;
          case UnexpectedStatus s when s.status() == 404 -> Kind.NOT_FOUND;
          case java.net.ConnectException _ -> Kind.UNAVAILABLE;
          default -> Kind.UNKNOWN;
        };
    return new BuildException(kind, message, e);
  }

  @Override
  public void close() {
    endpoints.close();
  }
}
