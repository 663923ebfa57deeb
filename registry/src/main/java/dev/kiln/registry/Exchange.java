package dev.kiln.registry;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * One request to one endpoint until it has an answer that counts: asks again with what a 401
 * demanded, follows redirects. The Authorization header goes only to hosts that have a grant, and
 * never without encryption where the endpoint has one. Confined to the calling thread; blocks.
 */
final class Exchange {
  private static final int MAX_TRIES = 5;
  private static final Duration ERROR_PATIENCE = Duration.ofSeconds(10);
  private final Endpoint endpoint;
  private final Grants grants;
  private final Credentials who;
  private final List<String> scopes;
  private final String userAgent;
  private Carried last = Carried.NOTHING;

  Exchange(
      Endpoint endpoint, Grants grants, Credentials who, List<String> scopes, String userAgent) {
    this.endpoint = endpoint;
    this.grants = grants;
    this.who = who;
    this.scopes = scopes;
    this.userAgent = userAgent;
  }

  /**
   * @param prepare sets method, body and further headers; called for each try, so a body is made
   *     anew
   * @return any answer but a redirect; the caller closes its body
   */
  HttpResponse<InputStream> run(URI uri, Consumer<HttpRequest.Builder> prepare)
      throws IOException, InterruptedException {
    return run(uri, prepare, Sending.AT_ONCE);
  }

  /**
   * As above.
   *
   * @param sent how many bytes of the request have gone
   */
  HttpResponse<InputStream> run(URI uri, Consumer<HttpRequest.Builder> prepare, LongSupplier sent)
      throws IOException, InterruptedException {
    boolean getForHead = false;
    for (int tries = 1; ; tries++) {
      HttpResponse<InputStream> response = follow(uri, prepare, sent, getForHead);
      boolean again =
          switch (response.statusCode()) {
            case 401 -> mayShow(uri, response.request().uri()) && learn(response);
            // Not every registry knows HEAD for manifests.
            case 405 -> {
              boolean was = getForHead;
              getForHead =
                  response.request().method().equals("HEAD")
                      && uri.getPath().contains("/manifests/");
              yield getForHead && !was;
            }
            default -> false;
          };
      if (!again || tries > MAX_TRIES) {
        return response;
      }
      response.body().close();
    }
  }

  private boolean learn(HttpResponse<InputStream> refused)
      throws IOException, InterruptedException {
    try {
      return grants.learn(refused, last, who);
    } catch (RuntimeException | IOException | InterruptedException e) {
      refused.body().close();
      throw e;
    }
  }

  /**
   * Whether the host of {@code at} may see what it granted.
   *
   * @param first where the request began: not at the endpoint, where that named another place for
   *     an upload, which is open to who knows its address
   */
  private boolean mayShow(URI first, URI at) {
    return endpoint.isAt(first) && (endpoint.isPlain() || at.getScheme().equals("https"));
  }

  private HttpResponse<InputStream> follow(
      URI uri, Consumer<HttpRequest.Builder> prepare, LongSupplier sent, boolean getForHead)
      throws IOException, InterruptedException {
    URI at = uri;
    for (int redirects = 0; ; redirects++) {
      HttpRequest.Builder builder = HttpRequest.newBuilder(at).header("User-Agent", userAgent);
      prepare.accept(builder);
      if (getForHead) {
        builder.GET();
      }
      last =
          mayShow(uri, at)
              ? grants.authorize(Locations.authority(at), who, scopes)
              : Carried.NOTHING;
      if (!last.header().isEmpty()) {
        builder.setHeader("Authorization", last.header());
      }
      HttpRequest request = builder.build();
      HttpResponse<InputStream> response = endpoint.send(request, sent);
      Optional<String> location = Locations.redirect(response.statusCode(), response.headers());
      boolean idempotent = request.method().equals("GET") || request.method().equals("HEAD");
      boolean same = response.statusCode() == 307 || response.statusCode() == 308;
      if (location.isEmpty() || !idempotent && !same) {
        return response;
      }
      response.body().close();
      if (redirects == Locations.MAX_REDIRECTS) {
        throw new IOException(Locations.authority(uri) + ": stopped after 10 redirects");
      }
      at = Locations.resolve(at, location.get());
    }
  }

  Endpoint endpoint() {
    return endpoint;
  }

  /**
   * The failure that {@code response} is, with the registry's words, and what was shown to it where
   * that did not do; closes the body.
   */
  UnexpectedStatus failure(HttpResponse<InputStream> response) throws IOException {
    byte[] body;
    try (InputStream in = response.body()) {
      Body.hurry(in, ERROR_PATIENCE);
      body = in.readNBytes(64_000);
    } catch (IOException e) {
      body = new byte[0]; // the status says enough
    }
    UnexpectedStatus failure =
        UnexpectedStatus.of(response, Reasons.ofBody(body), Clock.systemUTC());
    return failure.status() == 401 || failure.status() == 403
        ? failure.and(Locations.authority(response.request().uri()) + ": " + last.inWords())
        : failure;
  }
}
