package dev.kiln.remotecache;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.kiln.model.BuildException;
import dev.kiln.model.GoJson;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * GitHub's cache service as its clients see it: both protocols, the storage behind their signed
 * addresses, and the listing of the REST API. It refuses what the real one refuses: wrong tokens,
 * keys that are taken, chunks and sizes that do not fit, addresses that have expired or were signed
 * for another method. Any thread; who starts it closes it.
 */
public final class ActionsServer implements AutoCloseable {
  /** For {@code ghtoken}. */
  public static final String REST_TOKEN = "ghs_rest-token";

  private static final String TWIRP = "/twirp/github.actions.results.api.v1.CacheService/";
  private static final String V1 = "/_apis/artifactcache/";
  private static final String STORAGE = "/account/actions-cache/";
  private static final Duration SIGNED_FOR = Duration.ofMinutes(10);
  private static final Pattern RANGE = Pattern.compile("bytes (\\d+)-(\\d+)/\\*");
  private static final Pattern BLOCK = Pattern.compile("<Latest>([^<]*)</Latest>");
  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpServer server;
  private final Clock clock;
  private final SecretKeySpec secret = new SecretKeySpec(new byte[] {1, 2, 3}, "HmacSHA256");
  private final ActionsEntries entries = new ActionsEntries();
  private final Map<String, byte[]> blocks = new HashMap<>(); // guarded by this
  private final List<String> calls = Collections.synchronizedList(new ArrayList<>());
  private int refusals; // guarded by this
  private Optional<Duration> retryAfter = Optional.empty(); // guarded by this

  private ActionsServer(HttpServer server, Clock clock) {
    this.server = server;
    this.clock = clock;
  }

  /** Starts it on the loopback interface. */
  public static ActionsServer start(Clock clock) throws IOException {
    var http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    var server = new ActionsServer(http, clock);
    http.createContext("/", server::answer);
    http.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    http.start();
    return server;
  }

  /** With a slash at its end, as in {@code ACTIONS_CACHE_URL} and {@code ACTIONS_RESULTS_URL}. */
  public String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/";
  }

  /**
   * A token of a run, valid for an hour.
   *
   * @param scopes JSON of the claim {@code ac}
   */
  public String token(String scopes) {
    Instant now = clock.instant();
    String claims =
        GoJson.object()
            .text("ac", scopes)
            .number("nbf", now.minusSeconds(60).getEpochSecond())
            .number("exp", now.plusSeconds(3600).getEpochSecond())
            .toString();
    String unsigned = base64("{\"typ\":\"JWT\",\"alg\":\"HS256\"}") + "." + base64(claims);
    return unsigned + "." + signature(unsigned);
  }

  /** A token that may read and write one branch. */
  public String tokenFor(String branch) {
    return token("[{\"Scope\":\"" + branch + "\",\"Permission\":3}]");
  }

  private static String base64(String text) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  private String signature(String text) {
    try {
      Mac mac = Mac.getInstance(secret.getAlgorithm());
      mac.init(secret);
      return Base64.getUrlEncoder()
          .withoutPadding()
          .encodeToString(mac.doFinal(text.getBytes(StandardCharsets.UTF_8)));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  ActionsEntries entries() {
    return entries;
  }

  /** Keys that are there, oldest first. */
  public List<String> keys() {
    return entries.committed().stream().map(e -> e.key).toList();
  }

  /** Methods and paths of all requests so far, without queries. */
  public List<String> calls() {
    synchronized (calls) {
      return List.copyOf(calls);
    }
  }

  /** The next requests to the service are too many. */
  synchronized void refuse(int count, Optional<Duration> forTime) {
    refusals = count;
    retryAfter = forTime;
  }

  private synchronized boolean isRefused() {
    return refusals > 0 && refusals-- > 0;
  }

  /** One request, read. */
  private record Call(HttpExchange exchange, String path, Map<String, String> query, byte[] body) {
    static Call of(HttpExchange exchange) throws IOException {
      var query = new HashMap<String, String>();
      String raw = exchange.getRequestURI().getRawQuery();
      for (String part : raw == null ? new String[0] : raw.split("&")) {
        String[] pair = part.split("=", 2);
        query.put(
            pair[0], URLDecoder.decode(pair.length == 2 ? pair[1] : "", StandardCharsets.UTF_8));
      }
      return new Call(
          exchange,
          exchange.getRequestURI().getPath(),
          query,
          exchange.getRequestBody().readAllBytes());
    }

    String method() {
      return exchange.getRequestMethod();
    }

    String header(String name) {
      return Optional.ofNullable(exchange.getRequestHeaders().getFirst(name)).orElse("");
    }

    String asked(String name) {
      return query.getOrDefault(name, "");
    }

    JsonNode json() throws IOException {
      return JSON.readTree(body);
    }

    void reply(int status, String text) throws IOException {
      reply(status, text.getBytes(StandardCharsets.UTF_8));
    }

    void reply(int status, byte[] bytes) throws IOException {
      boolean none = bytes.length == 0 || method().equals("HEAD");
      exchange.sendResponseHeaders(status, none ? -1 : bytes.length);
      if (!none) {
        exchange.getResponseBody().write(bytes);
      }
    }

    void set(String header, String value) {
      exchange.getResponseHeaders().set(header, value);
    }
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      Call call = Call.of(exchange);
      calls.add(call.method() + " " + call.path());
      if (call.path().startsWith(STORAGE)) {
        storage(call);
      } else if (call.path().startsWith("/repos/")) {
        listing(call);
      } else if (isRefused()) {
        tooMany(call);
      } else {
        Optional<List<GhaToken.Scope>> scopes = scopes(call.header("Authorization"));
        if (scopes.isEmpty()) {
          call.reply(401, "{\"code\":\"unauthenticated\",\"message\":\"invalid token\"}");
        } else if (call.path().startsWith(TWIRP)) {
          twirp(call, scopes.get());
        } else if (call.path().startsWith(V1)) {
          first(call, scopes.get());
        } else {
          call.reply(404, "");
        }
      }
    }
  }

  private synchronized void tooMany(Call call) throws IOException {
    retryAfter.ifPresent(time -> call.set("Retry-After", Long.toString(time.toSeconds())));
    call.reply(429, "{\"code\":\"resource_exhausted\",\"msg\":\"slow down\"}");
  }

  /** What a token of this server that is valid now gives. */
  private Optional<List<GhaToken.Scope>> scopes(String header) {
    String token = header.replaceFirst("^Bearer ", "");
    int end = token.lastIndexOf('.');
    if (end < 0 || !same(signature(token.substring(0, end)), token.substring(end + 1))) {
      return Optional.empty();
    }
    try {
      return Optional.of(GhaToken.parse(token, clock.instant()).scopes());
    } catch (BuildException e) {
      return Optional.empty(); // it has expired
    }
  }

  private static boolean same(String a, String b) {
    return MessageDigest.isEqual(
        a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8));
  }

  private static List<String> names(List<GhaToken.Scope> scopes) {
    return scopes.stream().map(GhaToken.Scope::name).toList();
  }

  private static Optional<String> writable(List<GhaToken.Scope> scopes) {
    return scopes.stream().filter(GhaToken.Scope::writable).map(GhaToken.Scope::name).findFirst();
  }

  private void first(Call call, List<GhaToken.Scope> scopes) throws IOException {
    String at = call.method() + " " + call.path().substring(V1.length()).replaceAll("/\\d+$", "/");
    switch (at) {
      case "GET cache" -> {
        List<String> keys = List.of(call.asked("keys").split(","));
        var found = entries.find(names(scopes), keys, call.asked("version"));
        if (found.isEmpty()) {
          call.reply(204, "");
          return;
        }
        ActionsEntries.Entry entry = found.get();
        call.reply(
            200,
            GoJson.object()
                .text("scope", entry.branch)
                .text("cacheKey", entry.key)
                .text("archiveLocation", signed(entry, "r"))
                .toBytes());
      }
      case "POST caches" -> {
        String key = call.json().path("key").asText();
        String version = call.json().path("version").asText();
        if (key.isEmpty() || key.length() > 512 || key.contains(",") || version.isEmpty()) {
          call.reply(400, "{\"message\":\"invalid key or version\"}");
          return;
        }
        if (writable(scopes).isEmpty()) {
          call.reply(403, "{\"message\":\"the token cannot write\"}");
          return;
        }
        var entry = entries.reserve(writable(scopes).get(), key, version);
        if (entry.isEmpty()) {
          call.reply(
              409,
              """
              {"$id":"1","message":"Cache already exists. Key: %s","errorCode":0,\
              "typeKey":"ArtifactCacheItemAlreadyExistsException"}\
              """
                  .formatted(key));
        } else {
          call.reply(201, "{\"cacheId\":" + entry.get().id + "}");
        }
      }
      case "PATCH caches/" -> {
        Matcher range = RANGE.matcher(call.header("Content-Range"));
        boolean fits =
            range.matches()
                && Long.parseLong(range.group(2)) - Long.parseLong(range.group(1)) + 1
                    == call.body().length
                && call.header("Content-Type").equals("application/octet-stream");
        var entry = own(call, scopes);
        boolean taken =
            fits
                && entry.isPresent()
                && entry.get().write(Long.parseLong(range.group(1)), call.body());
        call.reply(taken ? 204 : 400, taken ? "" : "{\"message\":\"invalid chunk\"}");
      }
      case "POST caches/" -> {
        var entry = own(call, scopes);
        boolean done = entry.isPresent() && entry.get().commit(call.json().path("size").asLong(-1));
        call.reply(done ? 204 : 400, done ? "" : "{\"message\":\"sizes do not match\"}");
      }
      default -> call.reply(404, "{\"message\":\"not found\"}");
    }
  }

  private Optional<ActionsEntries.Entry> own(Call call, List<GhaToken.Scope> scopes) {
    int id = Integer.parseInt(call.path().replaceFirst(".*/", ""));
    return entries.byId(id).filter(e -> writable(scopes).equals(Optional.of(e.branch)));
  }

  private void twirp(Call call, List<GhaToken.Scope> scopes) throws IOException {
    if (!call.method().equals("POST") || !call.header("Content-Type").equals("application/json")) {
      twirpError(call, 404, "bad_route");
      return;
    }
    String key = call.json().path("key").asText();
    String version = call.json().path("version").asText();
    switch (call.path().substring(TWIRP.length())) {
      case "CreateCacheEntry" -> {
        if (key.isEmpty() || key.length() > 512 || key.contains(",") || version.isEmpty()) {
          twirpError(call, 400, "invalid_argument");
          return;
        }
        if (writable(scopes).isEmpty()) {
          twirpError(call, 403, "permission_denied");
          return;
        }
        var entry = entries.reserve(writable(scopes).get(), key, version);
        if (entry.isEmpty()) {
          twirpError(call, 409, "already_exists");
          return;
        }
        call.reply(
            200,
            GoJson.object()
                .boolIfSet("ok", true)
                .text("signed_upload_url", signed(entry.get(), "cw"))
                .toBytes());
      }
      case "FinalizeCacheEntryUpload" -> {
        long size = call.json().path("size_bytes").asLong(-1);
        var entry =
            entries.all().stream()
                .filter(e -> e.key.equals(key) && e.version.equals(version))
                .filter(e -> writable(scopes).equals(Optional.of(e.branch)))
                .findFirst();
        if (entry.isEmpty()) {
          twirpError(call, 404, "not_found");
        } else if (!entry.get().commit(size)) {
          twirpError(call, 400, "invalid_argument");
        } else {
          call.reply(200, "{\"ok\":true,\"entry_id\":\"" + entry.get().id + "\"}");
        }
      }
      case "GetCacheEntryDownloadURL" -> {
        var keys = new ArrayList<>(List.of(key));
        call.json().path("restore_keys").forEach(k -> keys.add(k.asText()));
        var found = entries.find(names(scopes), keys, version);
        call.reply(
            200,
            found
                .map(entry ->
                    GoJson.object()
                        .boolIfSet("ok", true)
                        .text("signed_download_url", signed(entry, "r"))
                        .text("matched_key", entry.key)
                        .toString())
                .orElse("{\"ok\":false,\"signed_download_url\":\"\",\"matched_key\":\"\"}"));
      }
      default -> twirpError(call, 404, "bad_route");
    }
  }

  private static void twirpError(Call call, int status, String code) throws IOException {
    call.set("Content-Type", "application/json");
    call.reply(status, "{\"code\":\"" + code + "\",\"msg\":\"told by the service\"}");
  }

  /** An address in the storage for some minutes, of a shared access signature's form. */
  private String signed(ActionsEntries.Entry entry, String permissions) {
    String path = STORAGE + entry.id;
    String until = clock.instant().plus(SIGNED_FOR).truncatedTo(ChronoUnit.SECONDS).toString();
    return url().replaceFirst("/$", path)
        + "?se="
        + URLEncoder.encode(until, StandardCharsets.UTF_8)
        + "&sp="
        + permissions
        + "&sr=b&sv=2025-07-05&sig="
        + signature(path + until + permissions);
  }

  private void storage(Call call) throws IOException {
    boolean reads = call.method().equals("GET") || call.method().equals("HEAD");
    String until = call.asked("se");
    call.set("x-ms-request-id", "request-" + calls.size());
    if (!same(signature(call.path() + until + call.asked("sp")), call.asked("sig"))
        || clock.instant().isAfter(Instant.parse(until))
        || !call.header("Authorization").isEmpty()) {
      storageError(call, 403, "AuthenticationFailed");
    } else if (!call.asked("sp").contains(reads ? "r" : "w")) {
      storageError(call, 403, "AuthorizationPermissionMismatch");
    } else {
      int id = Integer.parseInt(call.path().substring(STORAGE.length()));
      var entry = entries.byId(id).orElseThrow();
      call.set("ETag", "\"0x" + id + "\"");
      call.set("Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT");
      call.set("x-ms-blob-type", "BlockBlob");
      if (reads) {
        read(call, entry);
      } else {
        write(call, entry);
      }
    }
  }

  private static void storageError(Call call, int status, String code) throws IOException {
    call.set("x-ms-error-code", code);
    call.set("Content-Type", "application/xml");
    call.reply(status, "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code></Error>");
  }

  private static void read(Call call, ActionsEntries.Entry entry) throws IOException {
    byte[] bytes = entry.bytes().orElseThrow();
    String range =
        call.header("x-ms-range").isEmpty() ? call.header("Range") : call.header("x-ms-range");
    int status = 200;
    if (!range.isEmpty()) {
      String[] ends = range.replaceFirst("bytes=", "").split("-", -1);
      int from = Integer.parseInt(ends[0]);
      int to =
          ends[1].isEmpty()
              ? bytes.length
              : (int) Math.min(Long.parseLong(ends[1]) + 1, bytes.length);
      if (from >= bytes.length) {
        storageError(call, 416, "InvalidRange");
        return;
      }
      call.set("Content-Range", "bytes " + from + "-" + (to - 1) + "/" + bytes.length);
      bytes = Arrays.copyOfRange(bytes, from, to);
      status = 206;
    }
    if (call.method().equals("HEAD")) {
      call.set("Content-Length", Integer.toString(bytes.length));
    }
    call.reply(status, bytes);
  }

  private synchronized void write(Call call, ActionsEntries.Entry entry) throws IOException {
    if (!call.method().equals("PUT")) {
      storageError(call, 405, "UnsupportedHttpVerb");
      return;
    }
    switch (call.asked("comp")) {
      case "block" -> blocks.put(entry.id + call.asked("blockid"), call.body());
      case "blocklist" -> {
        Matcher block = BLOCK.matcher(new String(call.body(), StandardCharsets.UTF_8));
        for (long at = 0; block.find(); ) {
          byte[] bytes = blocks.remove(entry.id + block.group(1));
          if (bytes == null) {
            storageError(call, 400, "InvalidBlockList");
            return;
          }
          entry.write(at, bytes);
          at += bytes.length;
        }
      }
      default -> {
        if (!call.header("x-ms-blob-type").equals("BlockBlob")) {
          storageError(call, 400, "MissingRequiredHeader");
          return;
        }
        entry.write(0, call.body());
      }
    }
    call.reply(201, "");
  }

  /** {@code GET /repos/OWNER/NAME/actions/caches} of the REST API. */
  private void listing(Call call) throws IOException {
    if (!call.header("Authorization").equals("Bearer " + REST_TOKEN)) {
      call.reply(401, "{\"message\":\"Bad credentials\"}");
      return;
    }
    List<String> all =
        entries.listed(call.asked("ref"), call.asked("key")).map(e -> e.key).toList();
    int size = Integer.parseInt(call.asked("per_page"));
    List<String> page =
        all.stream()
            .skip((Integer.parseInt(call.asked("page")) - 1L) * size)
            .limit(size)
            .map(key -> GoJson.object().text("key", key).toString())
            .toList();
    call.reply(
        200,
        GoJson.object()
            .number("total_count", all.size())
            .raw("actions_caches", GoJson.array(page))
            .toBytes());
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
