package dev.kiln.registry;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import dev.kiln.model.Digest;
import dev.kiln.tracing.Blocking;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;

/** A registry in this JVM, with faults on demand. Closed by the test. */
final class FakeRegistry implements AutoCloseable {
  private static final String BASIC = "Basic dTpw"; // u:p
  private final HttpServer server;
  final Map<String, byte[]> blobs = new ConcurrentHashMap<>(); // repository@digest
  final Map<String, byte[]> manifests = new ConcurrentHashMap<>(); // repository:tag or @digest
  final Map<String, String> types = new ConcurrentHashMap<>(); // by digest
  final List<String> requests = Collections.synchronizedList(new ArrayList<>());

  /** Answers to give instead, first come first served, by "METHOD path". */
  final Map<String, List<Integer>> failures = new HashMap<>();

  /** Cut the answer of a blob after so many bytes, so many times. */
  volatile int cutAfter;

  final AtomicInteger cuts = new AtomicInteger();
  volatile boolean ignoresRanges;
  volatile boolean hidesDigests;

  /** {@code "basic"}, {@code "bearer"}, {@code "tokens"} or nothing. */
  volatile String auth = "";

  /** With {@code "tokens"}: the scope of each that is good, by its text. */
  final Map<String, String> tokens = new ConcurrentHashMap<>();

  /** With {@code "tokens"}: actions that a token must have for this registry. */
  volatile String actions = "pull";

  /** How a token is called in the answer of the token server. */
  volatile String tokenField = "token";

  /** The Authorization header of each request, or "none", beside {@link #requests}. */
  final List<String> authorizations = Collections.synchronizedList(new ArrayList<>());

  /** Requests without credentials are answered when so many have come. */
  volatile CountDownLatch unauthorized = new CountDownLatch(0);

  /** The header of answers of {@link #failures}, or empty. */
  volatile String retryAfter = "";

  final AtomicInteger tokensIssued = new AtomicInteger();
  volatile String lastScope = "";

  FakeRegistry() throws IOException {
    this(HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0));
  }

  /** One that speaks TLS. */
  static FakeRegistry overTls(SSLContext context) throws IOException {
    HttpsServer server =
        HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(context));
    return new FakeRegistry(server);
  }

  private FakeRegistry(HttpServer server) {
    this.server = server;
    server.setExecutor(task ->
        Blocking.start(
            "fake-registry",
            () -> {
              task.run();
              return null;
            }));
    server.createContext("/", this::handle);
    server.start();
  }

  String host() {
    return "localhost:" + server.getAddress().getPort();
  }

  Digest addBlob(String repository, byte[] bytes) {
    Digest digest = Digest.of(bytes);
    blobs.put(repository + "@" + digest, bytes);
    return digest;
  }

  Digest addManifest(String repository, String tag, String type, byte[] bytes) {
    Digest digest = Digest.of(bytes);
    manifests.put(repository + ":" + tag, bytes);
    manifests.put(repository + ":" + digest, bytes);
    types.put(digest.value(), type);
    return digest;
  }

  private void handle(HttpExchange x) throws IOException {
    String path = x.getRequestURI().getPath();
    requests.add(x.getRequestMethod() + " " + x.getRequestURI());
    String authorization = x.getRequestHeaders().getFirst("Authorization");
    authorizations.add(authorization == null ? "none" : authorization);
    try (x) {
      if (authorization == null) {
        awaitOthers();
      }
      Optional<Integer> failure = nextFailure(x.getRequestMethod() + " " + path);
      if (failure.isPresent()) {
        if (!retryAfter.isEmpty()) {
          x.getResponseHeaders().add("Retry-After", retryAfter);
        }
        answer(x, failure.get(), error("TOO_BAD", "as the test wants"));
      } else if (path.equals("/token")) {
        token(x);
      } else if (mayPass(x, path)) {
        serve(x, path);
      }
    }
  }

  private void awaitOthers() throws IOException {
    CountDownLatch latch = unauthorized;
    latch.countDown();
    try {
      if (!latch.await(10, TimeUnit.SECONDS)) {
        throw new IOException("the others did not come");
      }
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  private synchronized Optional<Integer> nextFailure(String request) {
    List<Integer> left = failures.getOrDefault(request, List.of());
    if (left.isEmpty()) {
      return Optional.empty();
    }
    failures.put(request, left.subList(1, left.size()));
    return Optional.of(left.getFirst());
  }

  private void token(HttpExchange x) throws IOException {
    tokensIssued.incrementAndGet();
    lastScope = String.valueOf(x.getRequestURI().getQuery());
    String authorization = x.getRequestHeaders().getFirst("Authorization");
    if (auth.equals("tokens")) {
      numberedToken(x, authorization);
      return;
    }
    String user = authorization == null ? "anonymous" : "known";
    answer(
        x,
        200,
        ("{\"token\":\"" + user + "\",\"expires_in\":300}").getBytes(StandardCharsets.UTF_8));
  }

  private void numberedToken(HttpExchange x, String authorization) throws IOException {
    String form = new String(x.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    boolean known =
        BASIC.equals(authorization)
            || form.contains("refresh_token=offline")
            || form.contains("password=p&username=u");
    if (!known) {
      answer(x, 401, error("UNAUTHORIZED", "who are you"));
      return;
    }
    String text = "t" + tokensIssued.get();
    String asked = form.isEmpty() ? String.valueOf(x.getRequestURI().getQuery()) : form;
    tokens.put(text, URLDecoder.decode(asked, StandardCharsets.UTF_8));
    answer(
        x,
        200,
        ("{\"" + tokenField + "\":\"" + text + "\",\"expires_in\":300}")
            .getBytes(StandardCharsets.UTF_8));
  }

  private boolean mayPass(HttpExchange x, String path) throws IOException {
    String sent = String.valueOf(x.getRequestHeaders().getFirst("Authorization"));
    boolean secret = path.contains("/private/");
    switch (auth) {
      case "basic" -> {
        if (!sent.equals(BASIC)) {
          x.getResponseHeaders().add("WWW-Authenticate", "Basic realm=\"test\"");
          answer(x, 401, error("UNAUTHORIZED", "authentication required"));
          return false;
        }
      }
      case "bearer" -> {
        if (!sent.equals("Bearer known") && (secret || !sent.equals("Bearer anonymous"))) {
          String error = sent.equals("null") ? "" : ",error=\"insufficient_scope\"";
          x.getResponseHeaders()
              .add(
                  "WWW-Authenticate",
                  "Bearer realm=\"http://"
                      + host()
                      + "/token\",service=\"s\","
                      + "scope=\"repository:"
                      + repository(path)
                      + ":pull\""
                      + error);
          answer(x, 401, error("UNAUTHORIZED", "authentication required"));
          return false;
        }
      }
      case "tokens" -> {
        String scope = tokens.get(sent.replaceFirst("^Bearer ", ""));
        if (scope == null || !scope.contains(actions)) {
          x.getResponseHeaders()
              .add(
                  "WWW-Authenticate",
                  "Bearer realm=\"http://%s/token\",service=\"s\",scope=\"repository:%s:%s\"%s"
                      .formatted(
                          host(),
                          repository(path).replaceFirst("/blobs/.*", ""),
                          actions,
                          scope == null
                              ? ",error=\"invalid_token\""
                              : ",error=\"insufficient_scope\""));
          answer(x, 401, error("UNAUTHORIZED", "authentication required"));
          return false;
        }
      }
      default -> {}
    }
    return true;
  }

  private static String repository(String path) {
    return path.replaceFirst("^/v2/", "").replaceFirst("/(manifests|blobs)/.*$", "");
  }

  private void serve(HttpExchange x, String path) throws IOException {
    String repository = repository(path);
    String last = path.substring(path.lastIndexOf('/') + 1);
    String method = x.getRequestMethod();
    if (path.contains("/manifests/")) {
      if (method.equals("PUT")) {
        byte[] body = x.getRequestBody().readAllBytes();
        addManifest(repository, last, x.getRequestHeaders().getFirst("Content-Type"), body);
        answer(x, 201, new byte[0]);
        return;
      }
      byte[] bytes = manifests.get(repository + ":" + last);
      if (bytes == null) {
        answer(x, 404, error("MANIFEST_UNKNOWN", "manifest unknown"));
        return;
      }
      Digest digest = Digest.of(bytes);
      x.getResponseHeaders().add("Content-Type", types.getOrDefault(digest.value(), ""));
      if (!hidesDigests) {
        x.getResponseHeaders().add("Docker-Content-Digest", digest.value());
      }
      answer(x, 200, bytes);
    } else if (path.contains("/blobs/uploads/")) {
      upload(x, repository);
    } else {
      blob(x, Optional.ofNullable(blobs.get(repository + "@" + last)));
    }
  }

  private void upload(HttpExchange x, String repository) throws IOException {
    Map<String, String> query = new HashMap<>();
    for (String pair : String.valueOf(x.getRequestURI().getQuery()).split("&")) {
      String[] parts = pair.split("=", 2);
      query.put(parts[0], parts.length > 1 ? parts[1] : "");
    }
    String mount = query.getOrDefault("mount", "");
    byte[] other = blobs.get(query.getOrDefault("from", "") + "@" + mount);
    if (x.getRequestMethod().equals("POST")) {
      if (other != null) {
        addBlob(repository, other);
        answer(x, 201, new byte[0]);
      } else {
        x.getResponseHeaders().add("Location", "/v2/" + repository + "/blobs/uploads/1?state=x");
        answer(x, 202, new byte[0]);
      }
      return;
    }
    byte[] body = x.getRequestBody().readAllBytes();
    boolean right =
        Digest.of(body).value().equals(query.get("digest")) && "x".equals(query.get("state"));
    if (right) {
      addBlob(repository, body);
    }
    answer(x, right ? 201 : 400, error("DIGEST_INVALID", "provided digest did not match"));
  }

  private void blob(HttpExchange x, Optional<byte[]> found) throws IOException {
    if (found.isEmpty()) {
      answer(x, 404, error("BLOB_UNKNOWN", "blob unknown"));
      return;
    }
    byte[] bytes = found.get();
    String range = x.getRequestHeaders().getFirst("Range");
    byte[] part = bytes;
    int status = 200;
    if (range != null && !ignoresRanges) {
      int from = Integer.parseInt(range.replaceAll("\\D", ""));
      part = Arrays.copyOfRange(bytes, from, bytes.length);
      x.getResponseHeaders()
          .add("Content-Range", "bytes " + from + "-" + (bytes.length - 1) + "/" + bytes.length);
      status = 206;
    }
    if (cuts.getAndUpdate(n -> Math.max(0, n - 1)) > 0 && x.getRequestMethod().equals("GET")) {
      x.sendResponseHeaders(status, part.length);
      x.getResponseBody().write(part, 0, Math.min(cutAfter, part.length));
      x.getResponseBody().flush();
      return; // closes the connection early
    }
    answer(x, status, part);
  }

  private static byte[] error(String code, String message) {
    return ("{\"errors\":[{\"code\":\"" + code + "\",\"message\":\"" + message + "\"}]}")
        .getBytes(StandardCharsets.UTF_8);
  }

  private static void answer(HttpExchange x, int status, byte[] body) throws IOException {
    if (x.getRequestMethod().equals("HEAD")) {
      x.getResponseHeaders().add("Content-Length", Integer.toString(body.length));
      x.sendResponseHeaders(status, -1);
    } else {
      x.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
      x.getResponseBody().write(body);
    }
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
