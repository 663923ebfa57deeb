package dev.kiln.registry;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * One request to one endpoint until it has an answer that counts: asks again with what a 401
 * demanded, follows redirects (the Authorization header goes only to hosts that have a grant).
 * Confined to the calling thread; blocks.
 */
final class Exchange {
  private static final int MAX_TRIES = 5;
  private static final int MAX_REDIRECTS = 10;
  private final Endpoint endpoint;
  private final Grants grants;
  private final Credentials who;
  private final List<String> scopes;
  private final String userAgent;

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
    boolean refusedBefore = false;
    boolean getForHead = false;
    for (int tries = 1; ; tries++) {
      HttpResponse<InputStream> response = follow(uri, prepare, getForHead);
      boolean again =
          switch (response.statusCode()) {
            case 401 -> {
              boolean learned;
              try {
                learned = grants.learn(response, refusedBefore, who);
              } catch (RuntimeException | InterruptedException e) {
                response.body().close();
                throw e;
              }
              refusedBefore = true;
              yield learned;
            }
            // Not every registry knows HEAD for manifests.
            case 405 -> {
              boolean was = getForHead;
              getForHead =
                  response.request().method().equals("HEAD")
                      && uri.getPath().contains("/manifests/");
              yield getForHead && !was;
            }
            case 408, 429 -> true;
            default -> false;
          };
      if (!again || tries > MAX_TRIES) {
        return response;
      }
      response.body().close();
    }
  }

  private HttpResponse<InputStream> follow(
      URI uri, Consumer<HttpRequest.Builder> prepare, boolean getForHead)
      throws IOException, InterruptedException {
    URI at = uri;
    for (int redirects = 0; ; redirects++) {
      HttpRequest.Builder builder = HttpRequest.newBuilder(at).header("User-Agent", userAgent);
      prepare.accept(builder);
      if (getForHead) {
        builder.GET();
      }
      Optional<String> authorization = grants.authorize(at.getAuthority(), who, scopes);
      authorization.ifPresent(value -> builder.setHeader("Authorization", value));
      HttpRequest request = builder.build();
      HttpResponse<InputStream> response = endpoint.send(request);
      Optional<String> location = response.headers().firstValue("Location");
      boolean redirected =
          switch (response.statusCode()) {
            case 301, 302, 303, 307, 308 -> location.isPresent();
            default -> false;
          };
      boolean idempotent = request.method().equals("GET") || request.method().equals("HEAD");
      if (!redirected || !idempotent) {
        return response;
      }
      response.body().close();
      if (redirects == MAX_REDIRECTS) {
        throw new IOException("stopped after 10 redirects");
      }
      at = at.resolve(location.get());
    }
  }

  Endpoint endpoint() {
    return endpoint;
  }

  /** The failure that {@code response} is, with the registry's words; closes the body. */
  static UnexpectedStatus failure(HttpResponse<InputStream> response) throws IOException {
    byte[] body;
    try (InputStream in = response.body()) {
      body = in.readNBytes(64_000);
    }
    return new UnexpectedStatus(
        response.request().method(),
        response.request().uri(),
        response.statusCode(),
        Reasons.ofBody(body));
  }
}
