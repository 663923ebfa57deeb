package dev.kiln.registry;

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

  private static final int MANY_GRANTS = 512;

  private static final String RESOLVE_ACCEPT =
      String.join(
          ", ",
          MediaTypes.DOCKER_MANIFEST,
          MediaTypes.DOCKER_INDEX,
          MediaTypes.OCI_MANIFEST,
          MediaTypes.OCI_INDEX,
          "*/*");

  private final Endpoints endpoints;
  private final String userAgent;
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
    this.endpoints = new Endpoints(hosts);
    this.userAgent = userAgent;
    this.retries = retries;
    this.tokenServer = new TokenServer(this::sendAnywhere, userAgent);
    this.permits = new HostPermits();
    this.grants = new ConcurrentHashMap<>();
    this.smallFetches = new Flights<>();
    this.insecurePulls = false;
  }

  private Registry(Registry of) {
    this.endpoints = of.endpoints;
    this.userAgent = of.userAgent;
    this.retries = of.retries;
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

  private HttpResponse<InputStream> sendAnywhere(HttpRequest request)
      throws IOException, InterruptedException {
    // The realm is often another host; its own configuration says how it is reached.
    return endpoints.forPull(request.uri().getAuthority()).getLast().send(request);
  }

  /** Where downloaded bytes go, in order; a broken connection goes on after what is written. */
  public interface BlobSink {
    /** How many bytes are written already. */
    long written() throws IOException;

    void write(byte[] bytes, int offset, int length) throws IOException;
  }

  /**
   * The descriptor that a reference names now, by one request (or two, of registries that do not
   * say the digest).
   */
  public Descriptor resolve(ImageRef ref, Credentials who) {
    return guarded(() -> resolveAt(ref, who));
  }

  private Descriptor resolveAt(ImageRef ref, Credentials who)
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
        Exchange exchange = exchange(endpoint, ref, who, false, List.of());
        URI uri = endpoint.uri(ref.domain(), ref.path(), thing, "");
        try (Answer head = new Answer(exchange.run(uri, b -> accept(b.HEAD(), RESOLVE_ACCEPT)))) {
          int status = head.response.statusCode();
          if (status == 404) {
            failure.offer(2, new BuildException(Kind.NOT_FOUND, ref + ": not found"));
          } else if (status > 299) {
            failure.offer(3, failed(Exchange.failure(head.response)));
          } else {
            Optional<Descriptor> found = described(head.response, pinned);
            if (found.isEmpty()) {
              found = Optional.of(readDescriptor(exchange, uri, pinned));
            }
            if (found.get().sizeBytes() <= MANIFEST_LIMIT || !thing.startsWith("manifests/")) {
              return found.get();
            }
            failure.offer(
                4,
                new BuildException(
                    Kind.NOT_FOUND,
                    "rejecting "
                        + found.get().sizeBytes()
                        + " byte manifest for "
                        + ref
                        + ": not found"));
          }
        } catch (BuildException e) {
          failure.offer(
              1,
              e.kind() == Kind.DENIED && e.getMessage().startsWith("server message")
                  ? e.wrap(
                      "pull access denied, repository does not exist or may require authorization")
                  : e);
        } catch (IOException e) {
          failure.offer(1, failed(e));
        }
      }
    }
    throw failure.orElse(new BuildException(Kind.NOT_FOUND, ref + ": not found"));
  }

  /** Keeps the failure that came furthest, the first of its kind. */
  private static final class Foremost {
    private int rank;
    private Optional<BuildException> kept = Optional.empty();

    void offer(int rankNow, BuildException e) {
      if (rankNow > rank) {
        rank = rankNow;
        kept = Optional.of(e);
      }
    }

    BuildException orElse(BuildException other) {
      return kept.orElse(other);
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
    long size = response.headers().firstValueAsLong("Content-Length").orElse(-1);
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

  private static Descriptor readDescriptor(Exchange exchange, URI uri, Optional<Digest> pinned)
      throws IOException, InterruptedException {
    HttpResponse<InputStream> response = exchange.run(uri, b -> accept(b.GET(), RESOLVE_ACCEPT));
    if (response.statusCode() > 299) {
      throw Exchange.failure(response);
    }
    try (InputStream in = response.body()) {
      byte[] bytes = in.readNBytes((int) MANIFEST_LIMIT + 1);
      return new Descriptor(
          mediaType(response), pinned.orElseGet(() -> Digest.of(bytes)), bytes.length);
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
    byte[] bytes;
    try (HostPermits.Permit _ = permits.take(ref.domain(), true);
        InputStream in = openOnce(ref, blob, 0, who)) {
      bytes = in.readNBytes((int) MANIFEST_LIMIT * 2);
    }
    if (!Digest.of(bytes).equals(blob.digest())) {
      throw new IOException(
          "failed commit on ref \""
              + blob.digest()
              + "\": unexpected commit digest "
              + Digest.of(bytes)
              + ", expected "
              + blob.digest());
    }
    return bytes;
  }

  /**
   * Downloads a blob of any size into {@code sink}, going on where a broken connection ended. The
   * caller verifies what arrived.
   *
   * @param log told of failures that are tried again
   */
  public void download(
      ImageRef ref, Descriptor blob, Credentials who, BlobSink sink, Consumer<String> log) {
    guarded(() -> {
      boolean small = blob.mediaType().endsWith("+json");
      try (HostPermits.Permit _ = permits.take(ref.domain(), small)) {
        retries.run(() -> downloadOnce(ref, blob, who, sink), log);
      }
      return true;
    });
  }

  private boolean downloadOnce(ImageRef ref, Descriptor blob, Credentials who, BlobSink sink)
      throws IOException, InterruptedException {
    long offset = sink.written();
    if (blob.sizeBytes() > 0 && offset >= blob.sizeBytes()) {
      return true;
    }
    try (InputStream in = openOnce(ref, blob, offset, who)) {
      byte[] buffer = new byte[128 << 10];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        sink.write(buffer, 0, n);
      }
    }
    if (blob.sizeBytes() > 0 && sink.written() < blob.sizeBytes()) {
      throw new IOException("unexpected EOF");
    }
    return true;
  }

  /** One attempt, hosts in order; the caller holds the permit and closes the stream. */
  private InputStream openOnce(ImageRef ref, Descriptor blob, long offset, Credentials who)
      throws IOException, InterruptedException {
    boolean manifest =
        MediaTypes.isManifest(blob.mediaType()) || MediaTypes.isIndex(blob.mediaType());
    String thing = (manifest ? "manifests/" : "blobs/") + blob.digest();
    Optional<IOException> first = Optional.empty();
    for (Endpoint endpoint : endpoints(ref)) {
      Exchange exchange = exchange(endpoint, ref, who, false, List.of());
      URI uri = endpoint.uri(ref.domain(), ref.path(), thing, "");
      try {
        HttpResponse<InputStream> response =
            exchange.run(
                uri,
                b -> {
                  accept(b.GET(), blob.mediaType().isEmpty() ? "*/*" : blob.mediaType() + ", */*");
                  if (offset > 0) {
                    b.header("Range", "bytes=" + offset + "-");
                  }
                });
        if (response.statusCode() > 299) {
          throw Exchange.failure(response);
        }
        return from(response, offset);
      } catch (IOException e) {
        first = first.or(() -> Optional.of(e));
      }
    }
    IOException failure = first.orElseThrow();
    if (failure instanceof UnexpectedStatus s && s.status() == 404) {
      throw new BuildException(
          Kind.NOT_FOUND,
          "could not fetch content descriptor "
              + blob.digest()
              + " ("
              + blob.mediaType()
              + ") from remote: not found",
          failure);
    }
    throw failure;
  }

  /** Not every server that takes a range header honours it. */
  private static InputStream from(HttpResponse<InputStream> response, long offset)
      throws IOException {
    Optional<String> range = response.headers().firstValue("Content-Range");
    if (offset > 0 && range.isEmpty()) {
      response.body().skipNBytes(offset);
    } else if (offset > 0 && !range.get().startsWith("bytes " + offset + "-")) {
      response.body().close();
      throw new IOException("unhandled content range in response: " + range.get());
    }
    return response.body();
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

  private Exchange exchange(
      Endpoint endpoint, ImageRef ref, Credentials who, boolean push, List<String> moreScopes) {
    return exchange(endpoint, purpose(), ref, who, push, moreScopes);
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
            purpose + "::" + ref.repository(), _ -> new Grants(tokenServer, Clock.systemUTC()));
    var scopes = new java.util.ArrayList<>(List.of(Scopes.repository(ref.path(), push)));
    scopes.addAll(moreScopes);
    return new Exchange(endpoint, of, who, scopes, userAgent);
  }

  private static void accept(HttpRequest.Builder request, String types) {
    request.header("Accept", types);
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
