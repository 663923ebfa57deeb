package dev.kiln.registry;

import dev.kiln.model.BuildException;
import dev.kiln.model.Descriptor;
import dev.kiln.model.Digest;
import dev.kiln.model.ImageRef;
import dev.kiln.model.Kind;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * Sends blobs and manifests to one repository; what is there already is not sent. Any thread, blobs
 * may go in parallel (the registry's permits bound it). Nothing to close.
 *
 * <p>Source: OCI distribution-spec v1.1, Push; containerd v2 {@code core/remotes/docker/pusher.go}
 * for what is asked first.
 */
public final class Push {
  private final Registry registry;
  private final ImageRef ref;
  private final boolean insecure;
  private final Credentials who;

  Push(Registry registry, ImageRef ref, boolean insecure, Credentials who) {
    this.registry = registry;
    this.ref = ref;
    this.insecure = insecure;
    this.who = who;
  }

  /** Opens the blob from its start; called once a try, and closed here. */
  public interface Opener {
    InputStream open() throws IOException;
  }

  /** How a blob came to be in the repository. */
  public enum Outcome {
    SENT,
    EXISTED,
    MOUNTED
  }

  /**
   * Brings one blob to the repository.
   *
   * @param from another repository of the same registry that has it, tried first
   * @param log told of failures that are tried again
   */
  public Outcome blob(Descriptor blob, Optional<String> from, Opener opener, Consumer<String> log) {
    return Registry.guarded(() ->
        registry.retries.run(
            () -> {
              try (HostPermits.Permit _ = registry.permit(ref.domain(), isSmall(blob))) {
                return blobOnce(blob, from, opener);
              }
            },
            log));
  }

  private static boolean isSmall(Descriptor blob) {
    return blob.mediaType().endsWith("+json");
  }

  private Outcome blobOnce(Descriptor blob, Optional<String> from, Opener opener)
      throws IOException, InterruptedException {
    Exchange exchange = registry.pushExchange(ref, insecure, who, List.of());
    if (exists(exchange, "blobs/" + blob.digest(), blob, false)) {
      return Outcome.EXISTED;
    }
    Optional<HttpResponse<InputStream>> started =
        from.isPresent() ? mount(blob, from.get()) : Optional.empty();
    if (started.isPresent() && started.get().statusCode() == 201) {
      started.get().body().close();
      return Outcome.MOUNTED;
    }
    HttpResponse<InputStream> upload = started.isPresent() ? started.get() : start(exchange, "");
    switch (upload.statusCode()) {
      case 200, 202, 204 -> {}
      case 201 -> {
        upload.body().close();
        return Outcome.EXISTED;
      }
      default -> throw exchange.failure(upload);
    }
    upload.body().close();
    send(exchange, location(upload, blob.digest()), blob, opener);
    return Outcome.SENT;
  }

  private HttpResponse<InputStream> start(Exchange exchange, String query)
      throws IOException, InterruptedException {
    URI uri = exchange.endpoint().uri(ref.domain(), ref.path(), "blobs/uploads/", query);
    try {
      return exchange.run(uri, b -> b.POST(HttpRequest.BodyPublishers.noBody()));
    } catch (BuildException e) {
      throw denied(e);
    }
  }

  /** An upload that may have ended as a mount; empty where the other repository is not ours. */
  private Optional<HttpResponse<InputStream>> mount(Descriptor blob, String from)
      throws IOException, InterruptedException {
    Exchange exchange =
        registry.pushExchange(ref, insecure, who, List.of(Scopes.repository(from, false)));
    HttpResponse<InputStream> response;
    try {
      response =
          start(exchange, "mount=" + encode(blob.digest().value()) + "&from=" + encode(from));
    } catch (BuildException e) {
      if (e.kind() == Kind.DENIED) {
        return Optional.empty(); // no token for both repositories
      }
      throw e;
    }
    if (response.statusCode() == 401 || response.statusCode() == 403) {
      response.body().close();
      return Optional.empty();
    }
    return Optional.of(response);
  }

  private static String encode(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("%2F", "/");
  }

  private static BuildException denied(BuildException e) {
    return e.kind() == Kind.DENIED && e.getMessage().startsWith("server message")
        ? e.wrap("push access denied, repository does not exist or may require authorization")
        : e;
  }

  private static URI location(HttpResponse<?> upload, Digest digest) throws IOException {
    String text =
        upload
            .headers()
            .firstValue("Location")
            .orElseThrow(() ->
                new IOException(
                    Locations.authority(upload.request().uri())
                        + " named no location for the upload"));
    URI requested = upload.request().uri();
    URI to =
        Locations.resolve(
            requested,
            text.startsWith("/") || text.contains("://")
                ? text
                : requested.getScheme() + "://" + text);
    String sep = to.getRawQuery() == null ? "?" : "&";
    return URI.create(to + sep + "digest=" + encode(digest.value()));
  }

  private void send(Exchange exchange, URI to, Descriptor blob, Opener opener)
      throws IOException, InterruptedException {
    var sent = new AtomicLong();
    // The HTTP client opens the stream again if a 401 makes it send twice.
    HttpRequest.BodyPublisher body =
        HttpRequest.BodyPublishers.ofInputStream(() -> {
          try {
            return new Counted(opener.open(), sent);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
    HttpResponse<InputStream> response =
        exchange.run(
            to,
            b ->
                b.header("Content-Type", "application/octet-stream")
                    .PUT(
                        blob.sizeBytes() == 0
                            ? HttpRequest.BodyPublishers.noBody()
                            : HttpRequest.BodyPublishers.fromPublisher(body, blob.sizeBytes())),
            sent::get);
    accepted(exchange, response, blob.digest());
  }

  /** Tells how far an upload is. */
  private static final class Counted extends FilterInputStream {
    private final AtomicLong sent;

    Counted(InputStream in, AtomicLong sent) {
      super(in);
      this.sent = sent;
    }

    @Override
    public int read(byte[] to, int offset, int length) throws IOException {
      int n = super.read(to, offset, length);
      sent.addAndGet(Math.max(0, n));
      return n;
    }
  }

  private static void accepted(Exchange exchange, HttpResponse<InputStream> response, Digest digest)
      throws IOException {
    switch (response.statusCode()) {
      case 200, 201, 204 -> response.body().close();
      default -> throw exchange.failure(response);
    }
    Optional<String> said = response.headers().firstValue("Docker-Content-Digest");
    if (said.isPresent() && !said.get().isEmpty() && !said.get().equals(digest.value())) {
      throw new BuildException(
          Kind.UNKNOWN,
          "got digest " + Locations.shown(said.get()) + ", expected " + digest.value());
    }
  }

  /**
   * Brings a manifest or index whose blobs are there.
   *
   * @param tag the tag it gets; empty for its digest alone
   */
  public Outcome manifest(
      Descriptor manifest, byte[] bytes, Optional<String> tag, Consumer<String> log) {
    return Registry.guarded(() ->
        registry.retries.run(
            () -> {
              try (HostPermits.Permit _ = registry.permit(ref.domain(), true)) {
                return manifestOnce(manifest, bytes, tag);
              }
            },
            log));
  }

  private Outcome manifestOnce(Descriptor manifest, byte[] bytes, Optional<String> tag)
      throws IOException, InterruptedException {
    Exchange exchange = registry.pushExchange(ref, insecure, who, List.of());
    String thing = "manifests/" + tag.orElse(manifest.digest().value());
    if (exists(exchange, thing, manifest, tag.isPresent())) {
      return Outcome.EXISTED;
    }
    URI uri = exchange.endpoint().uri(ref.domain(), ref.path(), thing, "");
    HttpResponse<InputStream> response;
    try {
      response =
          exchange.run(
              uri,
              b ->
                  b.header("Content-Type", manifest.mediaType())
                      .PUT(HttpRequest.BodyPublishers.ofByteArray(bytes)));
    } catch (BuildException e) {
      throw denied(e);
    }
    accepted(exchange, response, manifest.digest());
    return Outcome.SENT;
  }

  private boolean exists(Exchange exchange, String thing, Descriptor blob, boolean byTag)
      throws IOException, InterruptedException {
    URI uri = exchange.endpoint().uri(ref.domain(), ref.path(), thing, "");
    HttpResponse<InputStream> response;
    try {
      response = exchange.run(uri, b -> b.HEAD().header("Accept", blob.mediaType() + ", */*"));
    } catch (BuildException e) {
      if (e.kind() == Kind.DENIED && e.getMessage().startsWith("server message")) {
        return false; // may write, but not read
      }
      throw e;
    }
    int status = response.statusCode();
    if (status != 200 && status != 404) {
      throw exchange.failure(response);
    }
    response.body().close();
    return status == 200
        && (!byTag
            || response
                .headers()
                .firstValue("Docker-Content-Digest")
                .filter(blob.digest().value()::equals)
                .isPresent());
  }
}
